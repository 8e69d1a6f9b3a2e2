//! Columns about the agent connected to the contact.

use super::column::{Column, Kind, field, integer, text, timestamp};

pub(super) const COLUMNS: &[Column] = &[
    text("agent_arn", "Agent.ARN", "the agent's ARN").open(),
    text("agent_username", "Agent.Username", "the agent's login name"),
    text("agent_routing_profile_arn", "Agent.RoutingProfile.ARN", "the routing profile's ARN").open(),
    text("agent_routing_profile_name", "Agent.RoutingProfile.Name", "the routing profile's name").open(),
    text(
        "agent_hierarchy_level1_arn",
        "Agent.HierarchyGroups.Level1.ARN",
        "ARN of the level 1 hierarchy group",
    )
    .open(),
    text(
        "agent_hierarchy_level1_name",
        "Agent.HierarchyGroups.Level1.GroupName",
        "name of the level 1 hierarchy group",
    ),
    text(
        "agent_hierarchy_level2_arn",
        "Agent.HierarchyGroups.Level2.ARN",
        "ARN of the level 2 hierarchy group",
    )
    .open(),
    text(
        "agent_hierarchy_level2_name",
        "Agent.HierarchyGroups.Level2.GroupName",
        "name of the level 2 hierarchy group",
    ),
    text(
        "agent_hierarchy_level3_arn",
        "Agent.HierarchyGroups.Level3.ARN",
        "ARN of the level 3 hierarchy group",
    )
    .open(),
    text(
        "agent_hierarchy_level3_name",
        "Agent.HierarchyGroups.Level3.GroupName",
        "name of the level 3 hierarchy group",
    ),
    text(
        "agent_hierarchy_level4_arn",
        "Agent.HierarchyGroups.Level4.ARN",
        "ARN of the level 4 hierarchy group",
    )
    .open(),
    text(
        "agent_hierarchy_level4_name",
        "Agent.HierarchyGroups.Level4.GroupName",
        "name of the level 4 hierarchy group",
    ),
    text(
        "agent_hierarchy_level5_arn",
        "Agent.HierarchyGroups.Level5.ARN",
        "ARN of the level 5 hierarchy group",
    )
    .open(),
    text(
        "agent_hierarchy_level5_name",
        "Agent.HierarchyGroups.Level5.GroupName",
        "name of the level 5 hierarchy group",
    ),
    timestamp(
        "agent_connected_to_agent_timestamp",
        "Agent.ConnectedToAgentTimestamp",
        "when the contact was connected to the agent",
    ),
    timestamp(
        "agent_accepted_by_agent_timestamp",
        "Agent.AcceptedByAgentTimestamp",
        "when the agent accepted the campaign preview",
    ),
    timestamp("agent_preview_end_timestamp", "Agent.PreviewEndTimestamp", "when the campaign preview ended"),
    integer(
        "agent_interaction_duration_seconds",
        "Agent.AgentInteractionDuration",
        "time that the agent spent with the customer, excluding hold and pause, in seconds",
    ),
    integer(
        "agent_customer_hold_duration_seconds",
        "Agent.CustomerHoldDuration",
        "time that the customer was on hold, in seconds",
    ),
    integer(
        "agent_initiated_hold_duration_seconds",
        "Agent.AgentInitiatedHoldDuration",
        "time on hold that was initiated by the agent, in seconds",
    ),
    integer(
        "agent_longest_hold_duration_seconds",
        "Agent.LongestHoldDuration",
        "duration of the longest hold, in seconds",
    ),
    integer("agent_number_of_holds", "Agent.NumberOfHolds", "number of times the customer was on hold"),
    integer(
        "agent_pause_duration_seconds",
        "Agent.AgentPauseDurationInSeconds",
        "time that a task was paused while assigned to the agent, in seconds",
    )
    .or("Agent.AgentPauseDuration"),
    timestamp(
        "agent_after_contact_work_start_timestamp",
        "Agent.AfterContactWorkStartTimestamp",
        "when after-contact work began",
    ),
    timestamp(
        "agent_after_contact_work_end_timestamp",
        "Agent.AfterContactWorkEndTimestamp",
        "when after-contact work ended",
    ),
    integer(
        "agent_after_contact_work_duration_seconds",
        "Agent.AfterContactWorkDuration",
        "time in after-contact work, in seconds",
    ),
    text("agent_capabilities_video", "Agent.Capabilities.Video", "whether the agent could send video").open(),
    text(
        "agent_capabilities_screen_share",
        "Agent.Capabilities.ScreenShare",
        "whether the agent could share their screen",
    )
    .open(),
    text("agent_device_info_platform_name", "Agent.DeviceInfo.PlatformName", "the agent's browser"),
    text(
        "agent_device_info_platform_version",
        "Agent.DeviceInfo.PlatformVersion",
        "version of the agent's browser",
    ),
    text(
        "agent_device_info_operating_system",
        "Agent.DeviceInfo.OperatingSystem",
        "the agent's operating system",
    ),
    field(
        "agent_state_transitions",
        Kind::StructList(STATE_TRANSITION),
        "Agent.StateTransitions",
        "silent monitoring and barge-in by supervisors",
    ),
];

/// The stream starts these keys with a lowercase letter, the API with a capital one.
const STATE_TRANSITION: &[Column] = &[
    text("state", "state", "state of the supervisor: SILENT_MONITOR, BARGE").or("State").open(),
    timestamp("state_start_timestamp", "stateStartTimestamp", "when the state began")
        .or("StateStartTimestamp"),
    timestamp("state_end_timestamp", "stateEndTimestamp", "when the state ended").or("StateEndTimestamp"),
];

//! How readers present the items of `AgentState`: one row per agent, by one set of rules.
//!
//! **Region.** An agent of an instance with a replica may have items in both Regions. If the instance routes across
//! Regions, the newest snapshot names the Region where the agent works. Otherwise, a row that is not offline and has a
//! snapshot within the ghost limit beats every other row, such as one that is offline or only logged in. Among equals,
//! the newest row wins.
//!
//! **Session.** Per Region, the later of LOGIN and LOGOUT counts. An agent who is logged in to any Region is logged in.
//! If LOGIN and LOGOUT happened in the same millisecond, later events decide: a later snapshot that is not
//! Offline means logged in; a later Offline snapshot, or silence beyond the ghost limit, means logged out.
//!
//! **Doubtful contacts.** Connect may list a contact as `ENDED` long after the agent has left. If the agent is logged
//! out and Offline, such contacts are ignored: the activity is `offline`, and the contacts are marked doubtful.
//!
//! **Older items**, written before the Region was part of the key, hold all registers in one item. Each register counts
//! until a register in the current layout is newer.

use std::collections::BTreeMap;

use connect_streams::Timestamp;

use crate::activity::Activity;
use crate::{Register, Version};
use tables::Attribute;
use tables::Item;

/// Whether an agent is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Session {
    /// Logged in.
    In,
    /// LOGIN and LOGOUT happened in the same millisecond, and no later event has decided yet.
    Unsettled,
    /// Logged out.
    Out,
}

impl Session {
    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Unsettled => "unsettled",
            Self::Out => "out",
        }
    }
}

/// An agent as readers present it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The agent's ID.
    pub agent_id: String,
    /// The Region of the row shown; `None` for an older item.
    pub region: Option<String>,
    /// The attributes of the snapshot; empty for an agent who has only logged in or out.
    pub snapshot: Item,
    /// What the agent is doing.
    pub activity: Activity,
    /// When the contact state that decides the activity began, the earliest if several do; `None` if the status decides.
    pub contact_since: Option<String>,
    /// Whether contacts are listed although the agent has left.
    pub contacts_are_doubtful: bool,
    /// Whether the agent is logged in; `None` before the first LOGIN or LOGOUT.
    pub session: Option<Session>,
    /// When the session began.
    pub session_since: Option<String>,
    /// When the agent's last event happened, in any Region.
    pub last_event: Option<String>,
}

/// The agents of these items, ordered by ID. Items that have expired by `now` are ignored.
#[must_use]
pub fn agents(items: impl IntoIterator<Item = Item>, now: Timestamp, ghost_minutes: u32) -> Vec<Agent> {
    let mut by_agent: BTreeMap<String, Rows> = BTreeMap::new();
    let is_of_an_agent = |item: &Item| !item.contains_key(Register::RoutingProfile.version_attribute());
    for item in items.into_iter().filter(|item| is_of_an_agent(item) && !is_expired(item, now)) {
        let Some(key) = text(&item, "agent_id").map(str::to_owned) else { continue };
        let mut parts = key.splitn(3, '#');
        let rows = by_agent.entry(parts.next().unwrap_or_default().to_owned()).or_default();
        match (parts.next(), parts.next()) {
            (None, _) => rows.older = Some(item),
            (Some(region), register) => rows.put(region, register, item),
        }
    }
    let clock = Clock { now, ghost_milliseconds: i64::from(ghost_minutes) * 60_000 };
    by_agent.into_iter().map(|(agent_id, rows)| rows.agent(agent_id, clock)).collect()
}

/// Whether the item has expired. DynamoDB deletes it within days; until then it can still be read.
#[must_use]
pub fn is_expired(item: &Item, now: Timestamp) -> bool {
    let Some(Attribute::Number(seconds)) = item.get("expires_at") else { return false };
    seconds.parse::<i64>().is_ok_and(|seconds| seconds * 1000 <= now.epoch_milliseconds())
}

fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name).and_then(Attribute::as_text).filter(|text| !text.is_empty())
}

fn version(item: &Item, name: &str) -> Option<Version> {
    text(item, name).map(Version::from_stored)
}

#[derive(Clone, Copy)]
struct Clock {
    now: Timestamp,
    ghost_milliseconds: i64,
}

impl Clock {
    /// Whether the event happened within the ghost limit.
    fn is_recent(self, version: &Version) -> bool {
        Timestamp::parse(version.timestamp()).is_some_and(|at| {
            self.now.epoch_milliseconds() - at.epoch_milliseconds() <= self.ghost_milliseconds
        })
    }
}

/// The items of one agent.
#[derive(Default)]
struct Rows {
    regions: BTreeMap<String, Row>,
    older: Option<Item>,
}

/// The items of one agent in one Region.
#[derive(Default)]
struct Row {
    snapshot: Option<Item>,
    login: Option<Item>,
    logout: Option<Item>,
}

impl Row {
    fn snapshot_version(&self) -> Option<Version> {
        version(self.snapshot.as_ref()?, SNAPSHOT_VERSION)
    }

    fn session_version(&self) -> Option<Version> {
        let versions = [&self.login, &self.logout].into_iter().flatten();
        versions.filter_map(|item| version(item, SESSION_VERSION)).max()
    }

    fn newest(&self) -> Option<Version> {
        self.snapshot_version().max(self.session_version())
    }

    /// Whether the agent works here: a live row beats every other row. An agent who has left, with only ended contacts
    /// listed, is not live, no matter how long heartbeats continue.
    fn is_live(&self, clock: Clock) -> bool {
        let session = self.session(clock);
        let has_left =
            |item: &Item| activity_of(item) == Activity::Offline || has_doubtful_contacts(item, session);
        self.snapshot.as_ref().is_some_and(|item| !has_left(item))
            && self.snapshot_version().is_some_and(|version| clock.is_recent(&version))
    }

    fn session(&self, clock: Clock) -> Option<Session> {
        let at = |item: &Option<Item>| version(item.as_ref()?, SESSION_VERSION);
        Some(match (at(&self.login), at(&self.logout)) {
            (None, None) => return None,
            (Some(_), None) => Session::In,
            (None, Some(_)) => Session::Out,
            (Some(login), Some(logout)) if login.timestamp() > logout.timestamp() => Session::In,
            (Some(login), Some(logout)) if login.timestamp() < logout.timestamp() => Session::Out,
            (Some(tie), Some(_)) => self.session_after_tie(&tie, clock),
        })
    }

    /// The session after a LOGIN and a LOGOUT in the same millisecond.
    fn session_after_tie(&self, tie: &Version, clock: Clock) -> Session {
        let later = self.snapshot_version().filter(|version| version.timestamp() > tie.timestamp());
        match (&self.snapshot, later) {
            (Some(snapshot), Some(_)) if is_offline(snapshot) => Session::Out,
            (Some(_), Some(_)) => Session::In,
            _ if clock.is_recent(tie) => Session::Unsettled,
            _ => Session::Out,
        }
    }
}

const SNAPSHOT_VERSION: &str = "snapshot_version";
const SESSION_VERSION: &str = "session_version";

impl Rows {
    fn put(&mut self, region: &str, register: Option<&str>, item: Item) {
        let row = self.regions.entry(region.to_owned()).or_default();
        match register {
            None => row.snapshot = Some(item),
            Some("login") => row.login = Some(item),
            Some("logout") => row.logout = Some(item),
            // A register that a later version of this code wrote.
            Some(_) => {}
        }
    }

    fn agent(mut self, agent_id: String, clock: Clock) -> Agent {
        let (session, session_since) = self.session(clock);
        let older = self.older.take();
        let last_event = self.regions.values().filter_map(Row::newest).max();
        let last_event = last_event.max(older.as_ref().and_then(|item| version(item, SNAPSHOT_VERSION)));
        let last_event = last_event.max(older.as_ref().and_then(|item| version(item, SESSION_VERSION)));
        let (region, snapshot) = self.shown(older, clock);
        let activity = activity_of(&snapshot);
        let contacts_are_doubtful = has_doubtful_contacts(&snapshot, session);
        let activity = if contacts_are_doubtful { Activity::Offline } else { activity };
        Agent {
            agent_id,
            region,
            activity,
            contact_since: contact_since(&snapshot, activity),
            contacts_are_doubtful,
            session,
            session_since,
            last_event: last_event.map(|version| version.timestamp().to_owned()),
            snapshot,
        }
    }

    /// The session across all Regions, and when it began.
    fn session(&self, clock: Clock) -> (Option<Session>, Option<String>) {
        let newest = self.regions.values().filter_map(Row::session_version).max();
        let older = self.older.as_ref().filter(|item| version(item, SESSION_VERSION) > newest);
        if let Some(older) = older {
            let session = match text(older, "session") {
                Some("in") => Some(Session::In),
                Some(_) => Some(Session::Out),
                None => None,
            };
            return (session, text(older, "session_since").map(str::to_owned));
        }
        let sessions = self.regions.values().filter_map(|row| Some((row.session(clock)?, row)));
        let Some(session) = sessions.clone().map(|(session, _)| session).min() else { return (None, None) };
        let item = |row: &Row| match session {
            Session::In | Session::Unsettled => row.login.clone(),
            Session::Out => row.logout.clone(),
        };
        let since = sessions.filter(|(of_row, _)| *of_row == session).filter_map(|(_, row)| item(row));
        let since = since.filter_map(|item| text(&item, "session_since").map(str::to_owned)).max();
        (Some(session), since)
    }

    /// The Region whose row is shown, and its snapshot.
    fn shown(self, older: Option<Item>, clock: Clock) -> (Option<String>, Item) {
        let active = self.active_region();
        let newest = self.regions.values().filter_map(Row::snapshot_version).max();
        let older = older.filter(|item| version(item, SNAPSHOT_VERSION) > newest);
        if let Some(older) = older {
            return (None, older);
        }
        let rank = |(region, row): &(String, Row)| {
            (active.as_ref() == Some(region), row.is_live(clock), row.newest())
        };
        let shown = self.regions.into_iter().max_by_key(rank);
        shown.map_or((None, Item::new()), |(region, row)| (Some(region), row.snapshot.unwrap_or_default()))
    }

    /// The Region named by the newest snapshot with cross-Region routing, if the agent has a snapshot from it.
    fn active_region(&self) -> Option<String> {
        let configured = self.regions.values().filter_map(|row| {
            let region = text(row.snapshot.as_ref()?, "current_region")?;
            Some((row.snapshot_version(), region))
        });
        let (_, region) = configured.max()?;
        self.regions.get(region).is_some_and(|row| row.snapshot.is_some()).then(|| region.to_owned())
    }
}

fn contacts(snapshot: &Item) -> &[Attribute] {
    match snapshot.get("contacts") {
        Some(Attribute::List(contacts)) => contacts,
        _ => &[],
    }
}

fn member<'c>(contact: &'c Attribute, name: &str) -> Option<&'c str> {
    match contact {
        Attribute::Map(members) => members.get(name)?.as_text(),
        _ => None,
    }
}

fn contact_states(snapshot: &Item) -> impl Iterator<Item = &str> {
    contacts(snapshot).iter().map(|contact| member(contact, "state").unwrap_or_default())
}

/// Whether an agent who has left still has contacts listed, all of them ended.
fn has_doubtful_contacts(snapshot: &Item, session: Option<Session>) -> bool {
    session == Some(Session::Out) && is_offline(snapshot) && Activity::all_ended(contact_states(snapshot))
}

fn is_offline(snapshot: &Item) -> bool {
    Activity::is_offline(text(snapshot, "status_type"), text(snapshot, "status_name"))
}

/// Computed from the contacts and status, because older items store other names for activities.
fn activity_of(snapshot: &Item) -> Activity {
    let contacts = contacts(snapshot).iter();
    let contacts = contacts
        .map(|contact| (member(contact, "state").unwrap_or_default(), member(contact, "initiation_method")));
    Activity::of(contacts, text(snapshot, "status_type"), text(snapshot, "status_name"))
}

fn contact_since(snapshot: &Item, activity: Activity) -> Option<String> {
    let decides = |contact: &&Attribute| {
        let state = member(contact, "state").unwrap_or_default();
        Activity::of_contact(state, member(contact, "initiation_method")) == Some(activity)
    };
    let deciding = contacts(snapshot).iter().filter(decides);
    deciding.filter_map(|contact| member(contact, "state_since")).min().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Agent, Session, agents};
    use crate::activity::Activity;
    use crate::memory::MemoryStore;
    use crate::plan::plan;
    use crate::retention::Retention;
    use crate::rules::Rules;
    use crate::store::Store;
    use connect_streams::Timestamp;
    use connect_streams::agent_event::{AgentEvent, AgentStatus, Contact, EventType, Snapshot};
    use futures::FutureExt as _;
    use tables::Attribute;
    use tables::Item;

    const DAY: &str = "2026-03-02";

    fn at(time: &str) -> Timestamp {
        Timestamp::parse(&format!("{DAY}T{time}Z")).unwrap()
    }

    fn event(
        region: &'static str,
        kind: EventType<'static>,
        time: &str,
        current: Option<Snapshot<'static>>,
    ) -> AgentEvent<'static> {
        AgentEvent {
            agent_arn: "",
            instance_id: "i-1",
            region,
            agent_id: "a-1",
            event_id: match kind {
                Login => "z",
                Logout => "x",
                _ => "y",
            },
            timestamp: at(time),
            event_type: kind,
            current,
            previous: None,
        }
    }

    fn status(name: &'static str, kind: &'static str) -> Snapshot<'static> {
        let status =
            AgentStatus { name: Some(name), status_type: Some(kind), since: Some(at("07:00:00")), id: None };
        Snapshot { status, ..Snapshot::default() }
    }

    fn available() -> Snapshot<'static> {
        status("Available", "ROUTABLE")
    }

    fn offline() -> Snapshot<'static> {
        status("Offline", "OFFLINE")
    }

    fn with(mut snapshot: Snapshot<'static>, contacts: &[(&'static str, &str)]) -> Snapshot<'static> {
        let contact = |(number, (state, since)): (usize, &(&'static str, &str))| Contact {
            contact_id: ["c-0", "c-1", "c-2"][number],
            channel: Some("VOICE"),
            initiation_method: Some("INBOUND"),
            state: Some(state),
            state_since: Some(at(since)),
            connected_since: None,
            queued_since: None,
            queue_id: None,
            queue_name: None,
        };
        snapshot.contacts = contacts.iter().enumerate().map(contact).collect();
        snapshot
    }

    fn active_in(mut snapshot: Snapshot<'static>, region: &'static str) -> Snapshot<'static> {
        snapshot.current_region = Some(region);
        snapshot
    }

    /// The items that these events leave, as readers get them.
    fn items(events: &[AgentEvent<'_>], rules: &Rules) -> Vec<Item> {
        let store = MemoryStore::default();
        for event in events {
            for write in plan(event, rules).unwrap().registers {
                store.write_registers(&[&write]).now_or_never().unwrap();
            }
        }
        let tables = store.tables();
        let with_key = |(key, item): (&crate::AgentKey, &Item)| {
            let mut item = item.clone();
            item.insert("agent_id".to_owned(), Attribute::text(&key.agent_id));
            item
        };
        tables.state.iter().map(with_key).collect()
    }

    fn shown(events: &[AgentEvent<'_>], now: &str) -> Agent {
        let mut agents = agents(items(events, &Rules::default()), at(now), 5);
        assert_eq!(agents.len(), 1, "one row per agent");
        agents.remove(0)
    }

    const EAST: &str = "us-east-1";
    const WEST: &str = "us-west-2";
    use EventType::{HeartBeat, Login, Logout, StateChange};

    #[test]
    fn the_region_where_the_agent_works_is_shown_despite_later_events_elsewhere() {
        let talks = with(available(), &[("CONNECTED", "08:00:00")]);
        let works = event(EAST, StateChange, "08:00:00", Some(talks));
        for other in [
            event(WEST, HeartBeat, "08:01:00", Some(offline())),
            event(WEST, StateChange, "08:01:00", Some(offline())),
            event(WEST, Login, "08:01:00", None),
        ] {
            let agent = shown(&[works.clone(), other], "08:02:00");
            assert_eq!((agent.region.as_deref(), agent.activity), (Some(EAST), Activity::OnContact));
            assert_eq!(agent.last_event.as_deref(), Some("2026-03-02T08:01:00.000Z"));
        }
        // Beyond the ghost limit, the agent may no longer work there: the newest row wins.
        let other = event(WEST, HeartBeat, "08:01:00", Some(offline()));
        assert_eq!(shown(&[works.clone(), other], "08:06:00").region.as_deref(), Some(WEST));
        // The agent works in both Regions: the newest row wins.
        let moved = event(WEST, StateChange, "08:01:00", Some(available()));
        assert_eq!(shown(&[works, moved], "08:02:00").region.as_deref(), Some(WEST));
    }

    #[test]
    fn cross_region_routing_names_the_region_where_the_agent_works() {
        let works = event(EAST, StateChange, "08:00:00", Some(active_in(available(), EAST)));
        let elsewhere = event(WEST, HeartBeat, "09:00:00", Some(active_in(offline(), EAST)));
        // Even an hour after that Region's last event.
        assert_eq!(shown(&[works.clone(), elsewhere], "09:00:01").region.as_deref(), Some(EAST));
        let moved = event(WEST, StateChange, "09:00:00", Some(active_in(available(), WEST)));
        assert_eq!(shown(&[works.clone(), moved], "09:00:01").region.as_deref(), Some(WEST));
        // A Region whose stream does not arrive here cannot be shown.
        let gone = event(EAST, HeartBeat, "09:00:00", Some(active_in(offline(), WEST)));
        assert_eq!(shown(&[gone], "09:00:01").region.as_deref(), Some(EAST));
    }

    #[test]
    fn an_agent_logged_in_to_any_region_is_logged_in() {
        let east = event(EAST, Login, "08:00:00", None);
        let west = event(WEST, Logout, "09:00:00", Some(offline()));
        let agent = shown(&[east.clone(), west], "09:01:00");
        assert_eq!(agent.session, Some(Session::In));
        assert_eq!(agent.session_since.as_deref(), Some("2026-03-02T08:00:00.000Z"));
        let out = event(EAST, Logout, "08:30:00", Some(offline()));
        let agent = shown(&[east, out, event(WEST, Logout, "09:00:00", Some(offline()))], "09:01:00");
        assert_eq!(
            (agent.session, agent.session_since.as_deref()),
            (Some(Session::Out), Some("2026-03-02T09:00:00.000Z"))
        );
        assert_eq!(
            shown(&[event(EAST, StateChange, "08:00:00", Some(available()))], "08:00:01").session,
            None
        );
    }

    #[test]
    fn login_and_logout_in_one_millisecond_are_settled_by_later_events() {
        let tie = || {
            vec![
                event(EAST, Login, "08:00:00", None),
                event(EAST, StateChange, "08:00:00", Some(available())),
                event(EAST, Logout, "08:00:00", Some(available())),
            ]
        };
        assert_eq!(shown(&tie(), "08:00:01").session, Some(Session::Unsettled));
        // Silence means out: a logged-in agent sends heartbeats.
        assert_eq!(shown(&tie(), "08:05:01").session, Some(Session::Out));
        let followed = |snapshot| {
            let mut events = tie();
            events.push(event(EAST, HeartBeat, "08:02:00", Some(snapshot)));
            shown(&events, "08:02:01").session
        };
        assert_eq!(followed(available()), Some(Session::In));
        assert_eq!(followed(offline()), Some(Session::Out));
    }

    #[test]
    fn contacts_of_an_agent_who_has_left_are_doubtful() {
        let ended = || with(offline(), &[("ENDED", "07:59:00")]);
        let logout = event(EAST, Logout, "08:00:00", Some(ended()));
        let agent = shown(std::slice::from_ref(&logout), "08:00:01");
        assert_eq!((agent.activity, agent.contacts_are_doubtful), (Activity::Offline, true));
        assert_eq!(agent.snapshot["activity"], Attribute::text("offline"));
        // Heartbeats continue after the logout.
        let beat = event(EAST, HeartBeat, "08:02:00", Some(ended()));
        let agent = shown(&[logout.clone(), beat.clone()], "08:02:01");
        assert_eq!((agent.activity, agent.contacts_are_doubtful), (Activity::Offline, true));
        assert_eq!(agent.contact_since, None);
        // They do not hide that the agent now works in the other Region.
        let in_west = [
            logout,
            event(WEST, Login, "08:00:30", None),
            event(WEST, StateChange, "08:00:31", Some(available())),
            beat.clone(),
        ];
        let agent = shown(&in_west, "08:02:01");
        assert_eq!((agent.region.as_deref(), agent.activity), (Some(WEST), Activity::Available));
        // An agent who is logged in, or has another contact, has not left.
        for others in [
            vec![event(EAST, Login, "07:00:00", None), beat],
            vec![event(
                EAST,
                Logout,
                "08:00:00",
                Some(with(offline(), &[("ENDED", "07:59:00"), ("CONNECTED", "07:58:00")])),
            )],
        ] {
            assert!(!shown(&others, "08:02:01").contacts_are_doubtful);
        }
    }

    #[test]
    fn the_earliest_of_several_deciding_contacts_gives_the_start() {
        let contacts = [("CONNECTED", "08:02:00"), ("CONNECTED_ONHOLD", "08:01:00"), ("ENDED", "08:00:00")];
        let agent =
            shown(&[event(EAST, StateChange, "08:03:00", Some(with(available(), &contacts)))], "08:03:01");
        assert_eq!(agent.contact_since.as_deref(), Some("2026-03-02T08:01:00.000Z"));
        let idle = shown(&[event(EAST, StateChange, "08:03:00", Some(available()))], "08:03:01");
        assert_eq!((idle.activity, idle.contact_since), (Activity::Available, None));
    }

    #[test]
    fn a_login_keeps_the_agent_for_the_retention_after_the_snapshot_expires() {
        let rules =
            Rules { retention: Retention { state_days: 2, ..Retention::default() }, ..Rules::default() };
        let mut left = event(EAST, Logout, "08:00:00", Some(offline()));
        left.timestamp = Timestamp::parse("2026-02-25T08:00:00Z").unwrap();
        let items = items(&[left, event(EAST, Login, "08:00:00", None)], &rules);
        let shown = |now: &str| agents(items.clone(), Timestamp::parse(now).unwrap(), 5);
        let agent = shown("2026-03-02T08:00:01Z").remove(0);
        assert_eq!((agent.session, agent.activity), (Some(Session::In), Activity::Unknown));
        assert_eq!(shown("2026-03-04T07:59:59Z").len(), 1);
        assert_eq!(shown("2026-03-04T08:00:00Z").len(), 0);
    }

    /// An item as it was written before the Region was part of the key: all registers in one.
    #[test]
    fn an_older_item_counts_until_a_register_in_the_current_layout_is_newer() {
        let older = |session: &str| -> Item {
            [
                ("agent_id", "a-1".to_owned()),
                ("status_name", "Available".to_owned()),
                ("status_type", "ROUTABLE".to_owned()),
                ("activity", "ringing".to_owned()),
                ("snapshot_version", format!("{DAY}T08:00:00.000Z#e-1")),
                ("session", session.to_owned()),
                ("session_since", format!("{DAY}T07:00:00.000Z")),
                ("session_version", format!("{DAY}T07:00:00.000Z#e-0")),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Attribute::text(&value)))
            .collect()
        };
        let shown = |events: &[AgentEvent<'_>]| {
            let current = items(events, &Rules::default());
            let mut agents = agents(current.into_iter().chain([older("in")]), at("08:10:00"), 60);
            assert_eq!(agents.len(), 1);
            agents.remove(0)
        };
        let alone = shown(&[]);
        assert_eq!(
            (alone.region.clone(), alone.activity, alone.session),
            (None, Activity::Available, Some(Session::In))
        );
        assert_eq!(alone.last_event.as_deref(), Some("2026-03-02T08:00:00.000Z"));
        // A newer snapshot replaces the older one; the session still comes from the older item.
        let newer = shown(&[event(EAST, StateChange, "08:05:00", Some(status("Lunch", "CUSTOM")))]);
        assert_eq!(
            (newer.region.as_deref(), newer.activity, newer.session),
            (Some(EAST), Activity::Custom, Some(Session::In))
        );
        // A logout replaces the session; a late event replaces nothing.
        assert_eq!(shown(&[event(EAST, Logout, "08:06:00", Some(offline()))]).session, Some(Session::Out));
        let late = shown(&[event(EAST, StateChange, "07:30:00", Some(status("Lunch", "CUSTOM")))]);
        assert_eq!((late.region, late.activity), (None, Activity::Available));
    }

    #[test]
    fn an_item_without_an_agent_id_is_ignored() {
        assert_eq!(agents([Item::new()], at("08:00:00"), 5), []);
    }
}

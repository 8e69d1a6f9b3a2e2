// The normalizer in idiomatic Go: a Firehose transformation function for contact records.
//
//	normalizer <columns> <event> <response> <seconds>
//
// handles the event repeatedly, writes the last response, and prints the median time.
package main

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

type column struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Source []string `json:"source"`
	Fields []column `json:"fields"`
}

// leaf is a column in the tree of source paths; group is a level of it.
type leaf struct {
	name, kind string
	fields     group
	first      string
}

type group map[string]any

func treeOf(columns []column) group {
	tree := group{}
	for _, column := range columns {
		leaf := &leaf{name: column.Name, kind: column.Kind}
		if len(column.Fields) > 0 {
			leaf.fields, leaf.first = treeOf(column.Fields), column.Fields[0].Name
		}
		for _, path := range column.Source {
			level := tree
			names := strings.Split(path, ".")
			for _, name := range names[:len(names)-1] {
				next, ok := level[name].(group)
				if !ok {
					next = group{}
					level[name] = next
				}
				level = next
			}
			level[names[len(names)-1]] = leaf
		}
	}
	return tree
}

type object = map[string]any

func isAbsent(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		return len(value) == 0
	case object:
		for _, member := range value {
			if !isAbsent(member) {
				return false
			}
		}
		return true
	}
	return false
}

const milliseconds = "2006-01-02T15:04:05.000Z"

func timestamp(text string) (string, error) {
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", err
	}
	return instant.UTC().Format(milliseconds), nil
}

func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func textOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return string(encode(value))
}

func textOfUnion(value any) string {
	if union, ok := value.(object); ok {
		var only any
		count, known := 0, false
		for name, member := range union {
			if !isAbsent(member) {
				count++
				only = member
				switch strings.ToLower(name) {
				case "valuestring", "valueinteger", "valuearn", "valuemap", "valuelist":
					known = true
				}
			}
		}
		if count == 1 && known {
			return textOf(only)
		}
	}
	return textOf(value)
}

func textMap(value object, text func(any) string) map[string]string {
	texts := make(map[string]string, len(value))
	for key, value := range value {
		if !isAbsent(value) {
			texts[key] = text(value)
		}
	}
	return texts
}

func cell(column *leaf, value any, path string, extra object) any {
	switch column.kind {
	case "Text":
		if text, ok := value.(string); ok {
			return text
		}
	case "Integer":
		if number, ok := value.(json.Number); ok {
			if _, err := strconv.ParseInt(number.String(), 10, 64); err == nil {
				return number
			}
		}
	case "Double":
		if number, ok := value.(json.Number); ok {
			if _, err := number.Float64(); err == nil {
				return number
			}
		}
	case "Boolean":
		if truth, ok := value.(bool); ok {
			return truth
		}
	case "Timestamp":
		if text, ok := value.(string); ok {
			if instant, err := timestamp(text); err == nil {
				return instant
			}
		}
	case "TextMap":
		if entries, ok := value.(object); ok {
			return textMap(entries, textOf)
		}
	case "UnionMap":
		if entries, ok := value.(object); ok {
			return textMap(entries, textOfUnion)
		}
	case "TextList":
		if elements, ok := value.([]any); ok {
			texts := make([]string, 0, len(elements))
			for _, element := range elements {
				if text, ok := element.(string); ok {
					texts = append(texts, text)
				}
			}
			if len(texts) == len(elements) {
				return texts
			}
		}
	case "StructList":
		elements, ok := value.([]any)
		if single, isObject := value.(object); isObject {
			elements, ok = []any{single}, true
		}
		if ok {
			structs := make([]object, 0, len(elements))
			for index, element := range elements {
				here := path + "[" + strconv.Itoa(index) + "]"
				if source, ok := element.(object); ok {
					fields := object{}
					walk(column.fields, source, here, fields, extra)
					if len(fields) > 0 {
						structs = append(structs, fields)
					}
				} else if !isAbsent(element) {
					extra[here] = element
				}
			}
			if len(structs) == 0 {
				return nil
			}
			return structs
		}
	case "StructMap":
		if entries, ok := value.(object); ok {
			structs := make([]object, 0, len(entries))
			for _, key := range slices.Sorted(maps.Keys(entries)) {
				fields := object{column.first: key}
				if source, ok := entries[key].(object); ok {
					walk(column.fields, source, path+"."+key, fields, extra)
				}
				structs = append(structs, fields)
			}
			return structs
		}
	case "Json":
		return string(encode(value))
	}
	extra[path] = value
	return nil
}

func walk(tree group, source object, path string, row, extra object) {
	for name, value := range source {
		if isAbsent(value) {
			continue
		}
		here := name
		if path != "" {
			here = path + "." + name
		}
		switch found := tree[name].(type) {
		case group:
			if inner, ok := value.(object); ok {
				walk(found, inner, here, row, extra)
			} else {
				extra[here] = value
			}
		case *leaf:
			if held := cell(found, value, here, extra); held != nil {
				row[found.name] = held
			}
		default:
			extra[here] = value
		}
	}
}

func instant(row object, name string) (time.Time, bool) {
	text, ok := row[name].(string)
	if !ok {
		return time.Time{}, false
	}
	instant, err := time.Parse(milliseconds, text)
	return instant, err == nil
}

func setBetween(row object, name, start, end string) {
	from, hasStart := instant(row, start)
	to, hasEnd := instant(row, end)
	if hasStart && hasEnd && !to.Before(from) {
		row[name] = int64(to.Sub(from) / time.Second)
	}
}

func integer(row object, name string) (int64, bool) {
	switch number := row[name].(type) {
	case json.Number:
		value, err := number.Int64()
		return value, err == nil && value >= 0
	case int64:
		return number, number >= 0
	}
	return 0, false
}

func setResource(row object, name, arn, kind string) {
	text, _ := row[arn].(string)
	if _, id, ok := strings.Cut(text, "/"+kind+"/"); ok && id != "" {
		row[name] = strings.TrimPrefix(id, "agent/")
	}
}

func derive(row object) {
	arn, _ := row["instance_arn"].(string)
	if _, path, ok := strings.Cut(arn, "instance/"); ok {
		id, _, _ := strings.Cut(path, "/")
		row["instance_id"] = id
	}
	setResource(row, "agent_id", "agent_arn", "agent")
	setResource(row, "queue_id", "queue_arn", "queue")
	setBetween(row, "contact_duration_seconds", "initiation_timestamp", "disconnect_timestamp")
	if wait, ok := integer(row, "queue_duration_seconds"); ok {
		row["queue_wait_seconds"] = wait
	} else {
		setBetween(row, "queue_wait_seconds", "queue_enqueue_timestamp", "queue_dequeue_timestamp")
	}
	setBetween(row, "answer_seconds", "queue_enqueue_timestamp", "agent_connected_to_agent_timestamp")
	if hold, ok := integer(row, "agent_customer_hold_duration_seconds"); ok {
		row["hold_seconds"] = hold
	}
	if work, ok := integer(row, "agent_after_contact_work_duration_seconds"); ok {
		row["after_contact_work_seconds"] = work
	} else {
		setBetween(row, "after_contact_work_seconds",
			"agent_after_contact_work_start_timestamp", "agent_after_contact_work_end_timestamp")
	}
	if talk, ok := integer(row, "agent_interaction_duration_seconds"); ok {
		row["talk_seconds"] = talk
		handle := talk
		for _, name := range []string{"hold_seconds", "after_contact_work_seconds", "agent_pause_duration_seconds"} {
			seconds, _ := integer(row, name)
			handle += seconds
		}
		row["handle_seconds"] = handle
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return row[name] != nil })
	}
	answered := has("agent_connected_to_agent_timestamp")
	transferred := has("transferred_to_endpoint_address", "transfer_completed_timestamp", "next_contact_id")
	abandoned := false
	if !answered && !transferred && has("disconnect_timestamp") {
		byCustomer := row["disconnect_reason"] == "CUSTOMER_DISCONNECT"
		if has("queue_enqueue_timestamp") {
			abandoned = (byCustomer || !has("disconnect_reason")) && row["initiation_method"] != "CALLBACK"
			if attempts, _ := integer(row, "agent_connection_attempts"); abandoned && attempts > 0 {
				row["abandoned_in"] = "ringing"
			} else if abandoned {
				row["abandoned_in"] = "queue"
			}
		} else if byCustomer && row["initiation_method"] == "INBOUND" {
			row["abandoned_in"] = "ivr"
		}
	}
	recordings, _ := row["recordings"].([]object)
	row["recorded"] = has("recording_location") ||
		slices.ContainsFunc(recordings, func(one object) bool { return one["location"] != nil })
	row["answered"], row["abandoned"], row["transferred"] = answered, abandoned, transferred
}

type record struct {
	RecordID string `json:"recordId"`
	Arrival  *int64 `json:"approximateArrivalTimestamp"`
	Data     string `json:"data"`
}

type metadata struct {
	PartitionKeys map[string]string `json:"partitionKeys"`
}

type answer struct {
	RecordID string    `json:"recordId"`
	Result   string    `json:"result"`
	Data     string    `json:"data,omitempty"`
	Metadata *metadata `json:"metadata,omitempty"`
}

var errElsewhere = errors.New("a record that belongs elsewhere")

func rowOf(tree group, record record) (object, error) {
	data, err := base64.StdEncoding.DecodeString(record.Data)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var source object
	if err := decoder.Decode(&source); err != nil {
		return nil, err
	}
	for _, name := range []string{"AgentARN", "EventType", "CurrentAgentSnapshot"} {
		if _, ok := source[name]; ok {
			return nil, errElsewhere
		}
	}
	for _, name := range []string{"ContactId", "InstanceARN"} {
		if text, ok := source[name].(string); !ok || text == "" {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"InitiationTimestamp", "LastUpdateTimestamp"} {
		text, _ := source[name].(string)
		if _, err := timestamp(text); err != nil {
			return nil, err
		}
	}
	row, extra := object{}, object{}
	walk(tree, source, "", row, extra)
	if len(extra) > 0 {
		row["extra"] = string(encode(extra))
	}
	hash := md5.Sum(encode(row))
	derive(row)
	row["record_kind"] = "contact_record"
	row["schema_version"] = 1
	row["content_hash"] = hex.EncodeToString(hash[:])
	if record.Arrival != nil {
		row["arrival_timestamp"] = time.UnixMilli(*record.Arrival).UTC().Format(milliseconds)
	}
	return row, nil
}

func answerTo(tree group, record record) answer {
	row, err := rowOf(tree, record)
	if errors.Is(err, errElsewhere) {
		return answer{RecordID: record.RecordID, Result: "Dropped"}
	}
	if err != nil {
		return answer{RecordID: record.RecordID, Result: "ProcessingFailed"}
	}
	return answer{
		RecordID: record.RecordID,
		Result:   "Ok",
		Data:     base64.StdEncoding.EncodeToString(append(encode(row), '\n')),
		Metadata: &metadata{map[string]string{"contact_date": row["initiation_timestamp"].(string)[:10]}},
	}
}

func handle(tree group, event []byte) []byte {
	var batch struct {
		Records []record `json:"records"`
	}
	if err := json.Unmarshal(event, &batch); err != nil {
		panic(err)
	}
	answers := make([]answer, 0, len(batch.Records))
	for _, record := range batch.Records {
		answers = append(answers, answerTo(tree, record))
	}
	return encode(map[string]any{"records": answers})
}

func main() {
	read := func(path string) []byte {
		bytes, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		return bytes
	}
	var columns []column
	if err := json.Unmarshal(read(os.Args[1]), &columns); err != nil {
		panic(err)
	}
	tree, event := treeOf(columns), read(os.Args[2])
	seconds, err := strconv.ParseFloat(os.Args[4], 64)
	if err != nil {
		panic(err)
	}
	answer := handle(tree, event)
	var times []float64
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for len(times) == 0 || time.Now().Before(end) {
		begin := time.Now()
		answer = handle(tree, event)
		times = append(times, time.Since(begin).Seconds())
	}
	if err := os.WriteFile(os.Args[3], answer, 0o600); err != nil {
		panic(err)
	}
	sort.Float64s(times)
	fmt.Println(times[len(times)/2])
}

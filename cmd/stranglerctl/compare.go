package main

import (
	"encoding/json"
	"maps"
	"slices"
)

// valueChange is one value that two JSON documents have differently.
type valueChange struct {
	path          string // like match.path
	before, after string // compact JSON; - where there is none
}

// compareJSON lists where two JSON documents differ, by path. Arrays are compared whole.
func compareJSON(before, after json.RawMessage) []valueChange {
	old, now := flattened(before), flattened(after)
	paths := maps.Clone(old)
	maps.Copy(paths, now)
	var changes []valueChange
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if old[path] != now[path] {
			changes = append(changes, valueChange{path: path, before: orDash(old[path]), after: orDash(now[path])})
		}
	}
	return changes
}

// flattened maps the path of every leaf of an object to its compact JSON.
func flattened(raw json.RawMessage) map[string]string {
	leaves := make(map[string]string)
	flatten(raw, "", leaves)
	return leaves
}

func flatten(raw json.RawMessage, path string, leaves map[string]string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		leaves[path] = string(raw)
		return
	}
	for name, value := range object {
		if path != "" {
			name = path + "." + name
		}
		flatten(value, name, leaves)
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

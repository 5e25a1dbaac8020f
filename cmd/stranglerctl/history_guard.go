package main

import (
	"encoding/json"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

// guardChange says what an event about faults, breakers or endpoints switched;
// empty for any other.
func guardChange(e wire.Event) string {
	var said struct {
		wire.Fault
		Drained []string `json:"drained"`
	}
	facts := e.After
	if absent(facts) {
		facts = e.Before
	}
	if !absent(facts) && json.Unmarshal(facts, &said) != nil {
		return ""
	}
	switch e.Verb {
	case "fault_start", "fault_stop":
		text := "side " + string(said.Side) + ": " + faultText(said.Fault)
		switch left := leftText(said.EndsAt.Sub(e.At).Seconds()); {
		case said.EndsAt.Before(e.At): // an event that does not say
			return text
		case e.Verb == "fault_start":
			return text + ", for " + left
		default:
			return text + ", " + left + " left"
		}
	case "breaker_reset":
		return "side " + string(said.Side)
	case "backend_drain", "backend_ready":
		if len(said.Drained) == 0 {
			return "all serve"
		}
		return "drained: " + strings.Join(said.Drained, ", ")
	}
	return ""
}

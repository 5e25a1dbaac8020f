package notify

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// The kinds of events whose subject is a route.
const (
	kindRoute     = "route"
	kindAutopilot = "autopilot"
)

func ofRoute(event rollout.Event) bool { return event.Kind == kindRoute || event.Kind == kindAutopilot }

// Of what a message carries at most, so that it stays below the 20 kB that
// Standard Webhooks recommends. The history has the rest.
const (
	mostRoutes   = 50
	mostEvidence = 8 << 10 // bytes, of all routes together
)

// message is what webhooks are told, whatever their format.
type message struct {
	id   string
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"` // when it happened
	Data told      `json:"data"`
}

// told is what happened.
type told struct {
	Verb     rollout.Verb     `json:"verb"`
	Actor    string           `json:"actor,omitempty"`
	Cause    rollout.Cause    `json:"cause,omitempty"`
	Reason   string           `json:"reason,omitempty"`
	Evidence json.RawMessage  `json:"evidence,omitempty"`
	Revision routing.Revision `json:"revision,omitempty"`
	Routes   []toldRoute      `json:"routes"`
	More     int              `json:"more_routes,omitempty"` // that are not among Routes
}

// toldRoute is what happened to one route.
type toldRoute struct {
	Route    string          `json:"route"`
	Group    string          `json:"group,omitempty"`
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"`
	Reason   string          `json:"reason,omitempty"`   // where it is another than the message's
	Evidence json.RawMessage `json:"evidence,omitempty"` // the same
	Link     string          `json:"link,omitempty"`
}

// newMessage tells of events of one revision and verb.
func newMessage(subscriptions Subscriptions, events []rollout.Event, link string) message {
	first, chief := events[0], chiefOf(events)
	m := message{
		id:   fmt.Sprintf("msg_%s_%d", plain(subscriptions.StoreID), first.ID),
		Type: typeOf(first.Verb),
		At:   first.At.UTC(),
		Data: told{
			Verb: first.Verb, Actor: chief.Actor, Cause: chief.Cause, Reason: chief.Reason,
			Revision: first.Revision, Routes: []toldRoute{},
		},
	}
	room := mostEvidence
	m.Data.Evidence = fitting(chief.Evidence, &room)
	for _, event := range events {
		if !ofRoute(event) {
			continue
		}
		if len(m.Data.Routes) == mostRoutes {
			m.Data.More++
			continue
		}
		route := toldRoute{
			Route: event.Subject, Group: subscriptions.Routes[event.Subject].Group,
			Before: standingOnly(event.Before), After: standingOnly(event.After), Link: linkTo(link, event.Subject),
		}
		if event.Reason != chief.Reason {
			route.Reason = event.Reason
		}
		if !bytes.Equal(event.Evidence, chief.Evidence) {
			route.Evidence = fitting(event.Evidence, &room)
		}
		m.Data.Routes = append(m.Data.Routes, route)
	}
	return m
}

// standingOnly is where a route stands without the evidence that a hold keeps: it is
// the event's own, or that of one before.
func standingOnly(facts json.RawMessage) json.RawMessage {
	var whole, hold map[string]json.RawMessage
	if json.Unmarshal(facts, &whole) != nil || json.Unmarshal(whole["hold"], &hold) != nil || hold["evidence"] == nil {
		return facts
	}
	delete(hold, "evidence")
	whole["hold"], _ = json.Marshal(hold) // what was read as JSON can be written as such
	shorter, _ := json.Marshal(whole)
	return shorter
}

// fitting is the evidence if there is room for it, and takes that.
func fitting(evidence json.RawMessage, room *int) json.RawMessage {
	if len(evidence) > *room {
		return nil
	}
	*room -= len(evidence)
	return evidence
}

// chiefOf is the event that says why: the others of its group only came along.
func chiefOf(events []rollout.Event) rollout.Event {
	chief := events[0]
	for _, event := range events[1:] {
		if len(event.Evidence) > len(chief.Evidence) {
			chief = event
		}
	}
	return chief
}

func testMessage(now time.Time) message {
	return message{
		id: "msg_test_" + rand.Text(), Type: "webhook.test", At: now.UTC(),
		Data: told{Verb: "test", Reason: "somebody asked for a test; nothing has happened", Routes: []toldRoute{}},
	}
}

// body is what is posted.
func (m message) body(target Target) ([]byte, error) {
	if target.Format == Slack {
		return json.Marshal(map[string]string{"text": m.text()})
	}
	return json.Marshal(m)
}

// plain leaves out what must not be in an id: dots above all, which part what is signed.
func plain(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, id)
}

func linkTo(link, route string) string {
	return strings.ReplaceAll(link, "{route}", url.PathEscape(route))
}

package storetest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testText(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"survives whatever people write":       textKept,
		"that no database keeps is refused":    textRefused,
		"of JSON keeps its numbers and escape": textJSON,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func textKept(t *testing.T, backend Backend) {
	f := open(t, backend)
	for _, text := range []string{
		"<img src=x onerror=alert(1)>", "line\r\nSet-Cookie: a=b", `'; DROP TABLE routes; --`, `"$1" %s \ \x00`,
		"Grüße, 世界 🐘", "\u202eevil", "\t \u00a0", "\x01\x7f",
	} {
		f.apply(spec.Definitions{Routes: []spec.Route{{Name: text, Match: spec.Match{Path: text}, Legacy: text, New: text}}})
		next := rollout.State{Hold: rollout.Hold{Kind: rollout.HoldPaused, Reason: text}}
		_, err := f.Change(t.Context(), only(text), func(rollout.Record) (rollout.Decision, error) {
			return rollout.Decision{Changed: true, Next: next, Event: rollout.Event{Verb: rollout.VerbPause, Actor: text, Reason: text}}, nil
		})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		equal(t, "state", f.state(text).State, next)
		event := f.events(rollout.EventQuery{Kind: "route", Subject: text, Limit: 1})[0]
		equal(t, "texts of the event", []string{event.Subject, event.Actor, event.Reason}, []string{text, text, text})
		equal(t, "path", f.load(nil).Definitions.Routes[0].Match.Path, text)
	}
}

func textRefused(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	for _, bad := range []string{"a\x00b", "a\xff"} {
		decide := func(actor, reason string, next rollout.State) error {
			_, err := f.Change(t.Context(), only("cart"), func(rollout.Record) (rollout.Decision, error) {
				return rollout.Decision{Changed: true, Next: next, Event: rollout.Event{Verb: rollout.VerbPause, Actor: actor, Reason: reason}}, nil
			})
			return err
		}
		edit := func(reason, name string) error {
			_, err := f.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana", Reason: reason}, to(spec.Definitions{
				Backends: []spec.Backend{{Name: name}},
			}))
			return err
		}
		for what, err := range map[string]error{
			"reason":         decide("ana", bad, at(1)),
			"actor":          decide(bad, "", at(1)),
			"hold":           decide("ana", "", rollout.State{Hold: rollout.Hold{Kind: rollout.HoldPaused, Reason: bad}}),
			"edit":           edit(bad, "fine"),
			"name":           edit("", bad),
			"token":          f.CreateToken(t.Context(), auth.Token{ID: "t", Name: bad, Role: auth.Viewer, Hash: sha256.Sum256(nil)}, "ana"),
			"actor of token": f.CreateToken(t.Context(), auth.Token{ID: "t", Name: "n", Role: auth.Viewer, Hash: sha256.Sum256(nil)}, bad),
			"instance":       f.Heartbeat(t.Context(), fleet.Instance{Name: bad}),
		} {
			if !errors.Is(err, rollout.ErrText) {
				t.Errorf("%s %q: %v, want ErrText", what, bad, err)
			}
		}
		textUnknown(f, bad)
	}
	f.unchanged(before)
	if n := len(f.events(rollout.EventQuery{})); n != 6 {
		t.Errorf("%d events, want the 6 of before", n)
	}
}

// textUnknown asks for what cannot exist: it is unknown, and no fault of the store.
func textUnknown(f *fixture, name string) {
	f.t.Helper()
	if _, err := f.Change(f.t.Context(), only(name), stay); !errors.Is(err, rollout.ErrUnknownRoute) {
		f.t.Errorf("change of %q: %v, want ErrUnknownRoute", name, err)
	}
	if events := f.events(rollout.EventQuery{Kind: spec.KindRoute, Subject: name}); len(events) != 0 {
		f.t.Errorf("%q has the events %+v", name, events)
	}
	_, err := f.Edit(f.t.Context(), spec.Edit{Precondition: &spec.Precondition{Kind: spec.KindRoute, Name: name, Revision: 7}}, to(spec.Definitions{}))
	equal(f.t, "conflict", conflict(f.t, err), &rollout.Conflict{Kind: spec.KindRoute, Name: name, Want: 7, By: "nobody"})
}

func textJSON(t *testing.T, backend Backend) {
	f := applied(t, backend)
	raw := json.RawMessage(`{"big":9007199254740993,"one":1.0,"z":1,"a":2,"a":3,"nul":"\u0000","html":"<&>"}`)
	next := rollout.State{Stage: routing.StageShadow, Hold: rollout.Hold{Kind: rollout.HoldPaused, Evidence: raw}}
	_, err := f.Change(t.Context(), only("cart"), func(rollout.Record) (rollout.Decision, error) {
		return rollout.Decision{Changed: true, Next: next, Event: rollout.Event{Verb: rollout.VerbPause, Evidence: raw, Before: json.RawMessage("null")}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	event := f.events(rollout.EventQuery{Limit: 1})[0]
	equal(t, "evidence of the event", string(event.Evidence), string(raw))
	equal(t, "evidence of the hold", string(f.state("cart").Hold.Evidence), string(raw))
	if event.Before != nil {
		t.Errorf("null came back as %q, want nothing", event.Before)
	}
}

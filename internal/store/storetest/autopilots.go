package storetest

import (
	"errors"
	"testing"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testAutopilots(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"reach every router as one revision each": autopilotsKept,
		"go with what they are about":             autopilotsFitted,
		"leave a retired route":                   autopilotsRetired,
		"go with what an older router removes":    autopilotsOfOlder,
		"are all held back by a freeze":           freezeKept,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// mode switches the autopilot of routes.
func (f *fixture) mode(mode autopilot.Mode, routes ...string) fleet.Controlled {
	f.t.Helper()
	return f.control(func(now fleet.Controlling) fleet.Controls {
		for _, route := range routes {
			now.Controls.SetAutopilot(fleet.Autopilot{Route: route, Mode: mode, Actor: "olga", At: now.At})
		}
		return now.Controls
	})
}

// told is what the newest events say, the newest first.
func (f *fixture) told(limit int) []string {
	f.t.Helper()
	var told []string
	for _, e := range f.events(rollout.EventQuery{Limit: limit}) {
		told = append(told, string(e.Verb)+" "+e.Kind+" "+e.Subject+" by "+e.Actor+" "+string(e.Before)+" → "+string(e.After))
	}
	return told
}

func autopilotsKept(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	on := f.mode(autopilot.On, "orders-get", "cart")
	f.control(drain)
	off := f.mode(autopilot.Disarmed, "cart")
	after := f.load(before)
	want := []fleet.Autopilot{
		{Route: "cart", Mode: autopilot.Disarmed, Actor: "olga", At: off.At},
		{Route: "orders-get", Mode: autopilot.On, Actor: "olga", At: on.At},
	}
	if on.Revision != 2 || off.Revision != 4 || after.Digest == before.Digest || &after.Definitions.Routes[0] != &before.Definitions.Routes[0] {
		t.Errorf("revisions %d and %d, want 2 and 4, another digest, and the definitions shared", on.Revision, off.Revision)
	}
	equal(t, "what is followed", after.Controls.Autopilots, want)
	equal(t, "what is read anew", f.load(nil).Controls.Autopilots, want)
	f.mode(autopilot.Off, "cart", "orders-get", "rest")
	equal(t, "off", f.load(after).Controls.Autopilots, nil)
	equal(t, "events", f.told(6), []string{
		`autopilot_off autopilot orders-get by olga {"mode":"on"} → {"mode":"off"}`,
		`autopilot_off autopilot cart by olga {"mode":"disarmed"} → {"mode":"off"}`,
		`autopilot_off autopilot cart by olga {"mode":"on"} → {"mode":"disarmed"}`,
		`backend_drain backend orders by olga {"drained":[]} → {"drained":["http://127.0.0.1:4000"]}`,
		`autopilot_on autopilot orders-get by olga {"mode":"off"} → {"mode":"on"}`,
		`autopilot_on autopilot cart by olga {"mode":"off"} → {"mode":"on"}`,
	})
	if again := f.mode(autopilot.Off, "cart"); again.Revision != 5 || len(again.Changes) != 0 {
		t.Errorf("what is off was switched off: %+v", again)
	}
	if found := f.verify(); found.Broken != nil {
		t.Errorf("the chain: %+v", found.Broken)
	}
}

func autopilotsFitted(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.mode(autopilot.On, "cart")
	f.mode(autopilot.Disarmed, "orders-get")
	changed := shop()
	changed.Routes[2].Priority = -1
	f.apply(changed)
	equal(t, "after an edit of another route", len(f.load(nil).Controls.Autopilots), 2)
	changed.Routes[0].New, changed.Routes[0].Group = "", ""
	f.apply(changed)
	equal(t, "without its new side", f.told(2), []string{
		`autopilot_off autopilot cart by ana {"mode":"on"} → {"mode":"off"}`, f.told(2)[1],
	})
	changed.Routes = changed.Routes[2:]
	f.apply(changed)
	equal(t, "autopilots of routes that are gone", f.load(nil).Controls, fleet.Controls{})
	equal(t, "the last event", f.told(1), []string{`autopilot_off autopilot orders-get by ana {"mode":"disarmed"} → {"mode":"off"}`})
	f.apply(shop())
	equal(t, "of routes that came back", f.load(nil).Controls, fleet.Controls{})
	if found := f.verify(); found.Broken != nil {
		t.Errorf("the chain: %+v", found.Broken)
	}
}

func autopilotsRetired(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.mode(autopilot.On, "cart", "orders-get")
	done := f.move("cart", rollout.State{Stage: routing.StageRetired, Weight: routing.FullWeight})
	after := f.load(nil)
	if after.Revision != done.Revision || after.Controls.ModeOf("cart") != autopilot.Off || after.Controls.ModeOf("orders-get") != autopilot.On {
		t.Errorf("revision %d of %d: %+v, want the other route's alone", after.Revision, done.Revision, after.Controls)
	}
	equal(t, "the event", f.told(1), []string{`autopilot_off autopilot cart by ben {"mode":"on"} → {"mode":"off"}`})
}

func autopilotsOfOlder(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.mode(autopilot.On, "cart")
	f.mustBehind(`DELETE FROM routes WHERE name = 'cart'`)
	f.apply(shop())
	equal(t, "the mode of a route that is defined anew", f.load(nil).Controls.ModeOf("cart"), autopilot.Off)
}

func freezeKept(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	freeze := func(reason string) fleet.Controlled {
		return f.control(func(now fleet.Controlling) fleet.Controls {
			now.Controls.Freeze = &fleet.Freeze{Actor: "olga", At: now.At, Reason: reason}
			return now.Controls
		})
	}
	frozen := freeze("sale")
	after := f.load(before)
	equal(t, "freeze", after.Controls.Freeze, &fleet.Freeze{Actor: "olga", At: frozen.At, Reason: "sale"})
	if frozen.Revision != 2 || after.Digest == before.Digest || len(frozen.Changes) != 1 || frozen.Changes[0].Subject != before.StoreID {
		t.Errorf("%+v: want revision 2 with another digest, about the store", frozen)
	}
	if again := freeze("sale"); again.Revision != 2 {
		t.Errorf("what is frozen was frozen again: %+v", again)
	}
	freeze("stocktaking")
	f.apply(shop()) // an edit leaves it alone, also one that removes all
	f.apply(spec.Definitions{})
	equal(t, "the reason", f.load(nil).Controls.Freeze.Reason, "stocktaking")
	f.control(func(now fleet.Controlling) fleet.Controls {
		now.Controls.Freeze = nil
		return now.Controls
	})
	equal(t, "thawed", f.load(after).Controls, fleet.Controls{})
	store := f.events(rollout.EventQuery{Kind: fleet.KindStore, Subject: before.StoreID})
	var told []string
	for _, e := range store {
		told = append(told, string(e.Verb)+" "+string(e.Before)+" → "+string(e.After))
	}
	equal(t, "events", told, []string{
		`unfreeze {"frozen":true,"by":"olga","reason":"stocktaking"} → {"frozen":false}`,
		`freeze {"frozen":true,"by":"olga","reason":"sale"} → {"frozen":true,"by":"olga","reason":"stocktaking"}`,
		`freeze {"frozen":false} → {"frozen":true,"by":"olga","reason":"sale"}`,
	})
	_, err := f.Control(t.Context(), fleet.Control{Actor: "olga"}, func(now fleet.Controlling) (fleet.Controls, error) {
		now.Controls.Freeze = &fleet.Freeze{Reason: "a\x00b"}
		return now.Controls, nil
	})
	if !errors.Is(err, rollout.ErrText) {
		t.Errorf("%v, want ErrText", err)
	}
}

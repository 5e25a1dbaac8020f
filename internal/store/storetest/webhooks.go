package storetest

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testWebhooks(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"are definitions":                  webhooksDefined,
		"have a place in the history":      webhooksPlaced,
		"are tried again when they change": webhooksRetried,
		"go with their place":              webhooksGone,
		"keep their address to themselves": webhooksCut,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func oncall() []spec.Webhook {
	return []spec.Webhook{{Name: "oncall", URL: "https://hooks.example.com/x", Secret: "env:ONCALL_SECRET", On: []string{"rollback"}}}
}

// hooked is a store that holds shop at revision 1, and a webhook since revision 2.
func hooked(t *testing.T, backend Backend) *fixture {
	t.Helper()
	f := applied(t, backend)
	defs := shop()
	defs.Webhooks = oncall()
	f.apply(defs)
	return f
}

// place of the webhook oncall; the zero one when it has none.
func (f *fixture) place() notify.Place {
	f.t.Helper()
	places, err := f.Places(f.t.Context())
	if err != nil {
		f.t.Fatalf("places: %v", err)
	}
	return places["oncall"]
}

func (f *fixture) keepPlace(place notify.Place) {
	f.t.Helper()
	if err := f.KeepPlace(f.t.Context(), taken(f.t, f.Store, "a").Fence, place); err != nil {
		f.t.Fatalf("keep place: %v", err)
	}
}

func webhooksDefined(t *testing.T, backend Backend) {
	f := hooked(t, backend)
	defs := shop()
	defs.Webhooks = oncall()
	snapshot := f.load(nil)
	equal(t, "definitions", snapshot.Definitions, defs.Normalize())
	equal(t, "revisions of webhooks", snapshot.WebhookRevisions, []routing.Revision{2})
	event := f.events(rollout.EventQuery{Limit: 1})[0]
	equal(t, "the event", string(event.Verb)+" "+event.Kind+" "+event.Subject, "apply webhook oncall")

	f.move("cart", at(100))
	moved := f.load(snapshot)
	equal(t, "revisions after a move", moved.WebhookRevisions, []routing.Revision{2})
	defs.Webhooks[0].On = nil
	f.apply(defs)
	changed := f.load(moved)
	equal(t, "webhooks after a change", changed.Definitions.Webhooks, defs.Normalize().Webhooks)
	equal(t, "revisions after a change", changed.WebhookRevisions, []routing.Revision{4})

	stale := spec.Edit{Verb: rollout.VerbApply, Actor: "eve", Precondition: &spec.Precondition{Kind: spec.KindWebhook, Name: "oncall", Revision: 2}}
	_, err := f.Edit(t.Context(), stale, to(spec.Definitions{}))
	if c := conflict(t, err); c.Kind != spec.KindWebhook || c.Have != 4 || c.By != "ana" {
		t.Errorf("%+v, want a conflict with revision 4 by ana", c)
	}
}

// webhooksPlaced begins behind what was before: nobody is told of that.
func webhooksPlaced(t *testing.T, backend Backend) {
	f := hooked(t, backend)
	newest := f.events(rollout.EventQuery{Limit: 1})[0].ID
	equal(t, "the first place", f.place(), notify.Place{Webhook: "oncall", Event: newest})
	f.move("cart", at(100))
	equal(t, "what is to be told", ids(f.events(rollout.EventQuery{After: f.place().Event})), []int64{newest + 1})
	want := notify.Place{
		Webhook: "oncall", Event: newest + 1, Failures: 3, NextTry: recently().Add(time.Hour),
		LastError: "503 Service Unavailable: Grüße", Delivered: recently(),
	}
	f.keepPlace(want)
	equal(t, "the place", f.place(), want)
	want.NextTry, want.Failures, want.LastError = time.Time{}, 0, ""
	f.keepPlace(want)
	equal(t, "the place after a delivery", f.place(), want)
	want.LastError = "a\x00b\xff"
	f.keepPlace(want)
	equal(t, "what no database keeps", f.place().LastError, "a�b�")
}

func webhooksRetried(t *testing.T, backend Backend) {
	f := hooked(t, backend)
	waiting := notify.Place{Webhook: "oncall", Event: f.place().Event, Failures: 9, NextTry: recently().Add(time.Hour), LastError: "no such host"}
	f.keepPlace(waiting)
	defs := shop()
	defs.Webhooks = oncall()
	defs.Webhooks[0].URL = "https://hooks.example.com/y"
	f.apply(defs)
	waiting.NextTry, waiting.Failures, waiting.LastError = time.Time{}, 0, ""
	equal(t, "the place", f.place(), waiting)
}

func webhooksGone(t *testing.T, backend Backend) {
	f := hooked(t, backend)
	before := f.place()
	f.apply(shop())
	equal(t, "webhooks", len(f.load(nil).Definitions.Webhooks), 0)
	equal(t, "the place of a webhook that is gone", f.place(), notify.Place{})
	f.keepPlace(before)
	equal(t, "one that comes late", f.place(), notify.Place{})
	f.keepPlace(notify.Place{Webhook: "a\x00b"})
	defs := shop()
	defs.Webhooks = oncall()
	f.apply(defs)
	newest := f.events(rollout.EventQuery{Limit: 1})[0].ID
	equal(t, "the place of one that came back", f.place(), notify.Place{Webhook: "oncall", Event: newest})
}

// webhooksCut: the history is never rewritten, and a secret that came into it would
// stay.
func webhooksCut(t *testing.T, backend Backend) {
	f := hooked(t, backend)
	defs := shop()
	defs.Webhooks = oncall()
	defs.Webhooks[0].URL = "https://hooks.example.com/hunter2?key=hunter2"
	f.apply(defs)
	equal(t, "the address", f.load(nil).Definitions.Webhooks[0].URL, defs.Webhooks[0].URL)
	changed := f.events(rollout.EventQuery{Limit: 1})[0]
	f.apply(shop())
	const cut = `{"name":"oncall","url":"hidden:https://hooks.example.com","secret":"env:ONCALL_SECRET","on":["rollback"]}`
	removed := f.events(rollout.EventQuery{Limit: 1})[0]
	for what, text := range map[string]string{
		"before a change": string(changed.Before), "after a change": string(changed.After), "before it was removed": string(removed.Before),
	} {
		equal(t, what, text, cut)
	}
	if found, err := f.VerifyEvents(t.Context()); err != nil || found.Broken != nil {
		t.Errorf("the history: %+v, %v", found, err)
	}
}

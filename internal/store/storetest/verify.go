package storetest

import (
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
)

func (f *fixture) verify() rollout.Verification {
	f.t.Helper()
	found, err := f.VerifyEvents(f.t.Context())
	if err != nil {
		f.t.Fatalf("verify: %v", err)
	}
	return found
}

func eventsVerified(t *testing.T, backend Backend) {
	f := open(t, backend)
	if found := f.verify(); found.Events != 0 || found.Broken != nil || len(found.Head) != 64 {
		t.Errorf("an empty history: %+v", found)
	}
	f.apply(shop())
	f.move("cart", at(100))
	f.createToken("t1")
	f.move("orders-get", at(200))
	equal(t, "verification", f.verify(), rollout.Verification{Events: 9, Head: f.load(nil).Head})
}

func eventsTampered(t *testing.T, backend Backend) {
	tests := []struct {
		name, statement string
		events          int64
		broken          rollout.BrokenEvent
	}{
		{"a changed row", "UPDATE events SET actor = 'eve' WHERE id = 3", 2, rollout.BrokenEvent{ID: 3, Why: "its content is not what was written"}},
		{"a changed hash", "UPDATE events SET hash = prev_hash WHERE id = 3", 2, rollout.BrokenEvent{ID: 3, Why: "its content is not what was written"}},
		{"another predecessor", "UPDATE events SET prev_hash = hash WHERE id = 4", 3, rollout.BrokenEvent{ID: 4, Why: "it does not follow the event before it"}},
		{"a row that cannot be read", "UPDATE events SET at = 'infinity' WHERE id = 3", 2, rollout.BrokenEvent{ID: 3, Why: "it holds what no event can"}},
		{"a missing row", "DELETE FROM events WHERE id = 2", 1, rollout.BrokenEvent{ID: 2, Why: "the event is missing: the next one is 3"}},
		{"a missing end", "DELETE FROM events WHERE id = 6", 5, rollout.BrokenEvent{ID: 6, Why: "the event is missing: the store has written 6"}},
		{"a forgotten end", "UPDATE store SET event_id = 5", 6, rollout.BrokenEvent{ID: 6, Why: "the store has not written it"}},
		{"another end", "UPDATE store SET event_hash = revision_hash || revision_hash", 6, rollout.BrokenEvent{ID: 6, Why: "its hash is not the one that the store noted"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := applied(t, backend)
			f.mutable()
			f.mustBehind(test.statement)
			found := f.verify()
			if found.Broken == nil || *found.Broken != test.broken || found.Events != test.events {
				t.Errorf("%+v %+v, want %d events and then %+v", found, found.Broken, test.events, test.broken)
			}
		})
	}
}

// mutable takes away what keeps events from being changed, as somebody who owns
// the database can.
func (f *fixture) mutable() {
	f.t.Helper()
	if strings.HasPrefix(f.url, "sqlite:") {
		f.mustBehind("DROP TRIGGER events_no_update")
		f.mustBehind("DROP TRIGGER events_no_delete")
		return
	}
	f.mustBehind("DROP TRIGGER events_immutable ON events")
}

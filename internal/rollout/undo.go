package rollout

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// decideUndo takes the route back to where it stood before its last event; an
// undo of an undo therefore redoes. Where new gets more to do by it, it is a
// promotion and obeys the same rules.
func decideUndo(cmd Command, rec Record, _ time.Time) (Outcome, error) {
	if rec.State.Stage == routing.StageRetired {
		return Outcome{}, refuse(rec, CodeUndoRetire, "a route that needs a legacy side again is removed and defined anew",
			"is retired: its legacy side is gone, and that cannot be undone")
	}
	if rec.Last == nil {
		return Outcome{}, refuse(rec, CodeNothingToUndo, "see: stranglerctl history "+rec.Route,
			"stands at %s and has no change that could be undone", where(rec.State))
	}
	var before State
	if err := json.Unmarshal(rec.Last.Before, &before); err != nil {
		return Outcome{}, fmt.Errorf("route %s: event %d (%s) holds no state to go back to; nothing was changed: %w",
			rec.Route, rec.Last.ID, rec.Last.Verb, err)
	}
	if before.Stage == routing.StageShadow && !rec.Facts.Shadowable {
		before.Stage = routing.StageLegacy // its definition has changed since
	}
	if before.Target().Above(rec.State.Target()) {
		if refusal := mayPromote(cmd, rec); refusal != nil {
			return Outcome{}, refusal
		}
		if refusal := mayRaise(cmd, rec, before.Target()); refusal != nil {
			return Outcome{}, refusal
		}
	}
	if same(rec.State, before) {
		return rec.stay("the route already stands at " + where(before)), nil
	}
	note := fmt.Sprintf("takes back the %s of %s", rec.Last.Verb, rec.Last.At.UTC().Format(time.RFC3339))
	return rec.to(before, joinNotes(note, rec.leftBehind(before.Target()))), nil
}

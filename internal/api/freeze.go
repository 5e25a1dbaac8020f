package api

import (
	"cmp"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// Freeze forbids every promotion.
func (s *server) Freeze(w http.ResponseWriter, r *http.Request, params wire.FreezeParams) {
	s.freeze(w, r, params.DryRun, func(now fleet.Controlling, reason string) (ban *fleet.Freeze, note string) {
		if was := now.Controls.Freeze; was != nil && (reason == "" || reason == was.Reason) {
			return was, "promotions are frozen already, by " + was.Actor + " since " + was.At.UTC().Format(time.RFC3339)
		}
		return &fleet.Freeze{Actor: actor(r), At: now.At, Reason: reason}, "rollbacks go on, by hand and by evidence"
	})
}

// Unfreeze allows promotions again.
func (s *server) Unfreeze(w http.ResponseWriter, r *http.Request, params wire.UnfreezeParams) {
	s.freeze(w, r, params.DryRun, func(now fleet.Controlling, _ string) (ban *fleet.Freeze, note string) {
		if now.Controls.Freeze == nil {
			return nil, "nothing is frozen"
		}
		return nil, ""
	})
}

// freeze makes the ban what decide says.
func (s *server) freeze(w http.ResponseWriter, r *http.Request, dryRun *bool, decide func(now fleet.Controlling, reason string) (ban *fleet.Freeze, note string)) {
	var body wire.VerbRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	note := ""
	done, err := s.control(r, fleet.Control{Reason: body.Reason}, dryRun, func(now fleet.Controlling) (fleet.Controls, error) {
		now.Controls.Freeze, note = decide(now, body.Reason)
		return now.Controls, nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, wire.FreezeChange{
		Frozen: frozen(done.Controls), Note: cmp.Or(s.unheard(done.Revision), note),
		PreviousRevision: wire.Revision(done.Previous), Revision: wire.Revision(done.Revision),
		Changed: len(done.Changes) > 0, DryRun: dryRun != nil && *dryRun, Actor: actor(r), At: done.At.UTC(),
	})
}

// frozen is the ban in force; nil: there is none.
func frozen(controls fleet.Controls) *wire.Frozen {
	if controls.Freeze == nil {
		return nil
	}
	return &wire.Frozen{By: controls.Freeze.Actor, At: controls.Freeze.At.UTC(), Reason: controls.Freeze.Reason}
}

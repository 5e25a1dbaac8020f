package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// kindOverride is the kind of events about overrides.
const kindOverride = "override"

// signed is what the event of an override keeps: never its value.
type signed struct {
	Route   string    `json:"route"`
	Side    string    `json:"side"`
	Expires time.Time `json:"expires"`
}

// ListRevokedOverrides answers with what is not to be believed any more. What is
// in force nobody has listed: it is in the hands of its testers.
func (s *server) ListRevokedOverrides(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list, now := []wire.RevokedOverride{}, time.Now()
	for _, revoked := range snapshot.RevokedOverrides {
		if revoked.Expires.After(now) {
			list = append(list, wire.RevokedOverride{ID: revoked.ID, Expires: revoked.Expires.UTC()})
		}
	}
	slices.SortStableFunc(list, func(a, b wire.RevokedOverride) int { return a.Expires.Compare(b.Expires) })
	s.writeJSON(w, r, list)
}

// CreateOverride signs an override. Its event is written before the value is
// shown, so that every value in the world has one.
func (s *server) CreateOverride(w http.ResponseWriter, r *http.Request) {
	var body wire.OverrideRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	note, err := s.overridable(w, r, body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ttl, err := time.ParseDuration(body.TTL)
	if err != nil {
		s.fail(w, r, badRequest("bad_ttl", fmt.Sprintf("ttl is %q and has to be a duration", body.TTL), "write one like 2h, at most 24h"))
		return
	}
	override, value, err := s.Signer.Sign(body.Route, string(body.Side), ttl, time.Now())
	if err == nil {
		err = s.noteOverride(r, override, body.Reason)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.writeJSON(w, r, wire.Override{
		ID: override.ID, Route: override.Route, Side: wire.Side(override.Side), Expires: override.Expires,
		Value: value, Cookie: auth.OverrideCookie, Header: auth.OverrideHeader, Note: note,
	})
}

// overridable refuses overrides that no router would obey. The note says why one
// is not obeyed for now.
func (s *server) overridable(w http.ResponseWriter, r *http.Request, body wire.OverrideRequest) (note string, err error) {
	if err := checkLine("reason", body.Reason); err != nil {
		return "", err
	}
	snapshot, err := s.read(w, r)
	if err != nil {
		return "", err
	}
	i, found := find(snapshot.Definitions.Routes, body.Route, routeName)
	if !found {
		return "", unknown(spec.KindRoute, body.Route, names(snapshot.Definitions.Routes, routeName))
	}
	definition, state := snapshot.Definitions.Routes[i], snapshot.Routes[i].State
	backend := definition.Legacy
	if body.Side == wire.SideNew {
		backend = definition.New
	}
	switch {
	case state.Stage == routing.StageRetired:
		return "", refused(rollout.CodeRetired, "route "+body.Route+" is retired: it has one side only, and no override changes that")
	case backend == "" && (body.Side == wire.SideNew || body.Side == wire.SideLegacy):
		return "", refused("no_such_side", fmt.Sprintf("route %s has no side %s", body.Route, body.Side))
	case state.Hold.Kind == rollout.HoldRolledBack:
		return "the route is rolled back: the override is ignored until it is promoted or resumed", nil
	}
	return "", nil
}

func refused(code, detail string) *problem {
	return newProblem(http.StatusConflict, code, "The rules do not allow this now.", detail+"; nothing was changed", "")
}

func (s *server) noteOverride(r *http.Request, override auth.Override, reason string) error {
	after, err := json.Marshal(signed{Route: override.Route, Side: override.Side, Expires: override.Expires})
	if err != nil {
		return err
	}
	return s.note(r, rollout.Event{
		Verb: rollout.VerbOverrideCreate, Kind: kindOverride, Subject: override.ID, Reason: reason, After: after,
	})
}

// note writes an event of the caller's.
func (s *server) note(r *http.Request, event rollout.Event) error {
	ctx, cancel := context.WithTimeout(r.Context(), moveFor)
	defer cancel()
	event.Actor, event.Cause = actor(r), rollout.CauseOperator
	return s.History.Note(ctx, event)
}

// RevokeOverride makes every router ignore an override.
func (s *server) RevokeOverride(w http.ResponseWriter, r *http.Request, id string) {
	revoked, err := s.signedOverride(r.Context(), id)
	if err == nil && revoked.Expires.After(time.Now()) {
		ctx, cancel := context.WithTimeout(r.Context(), moveFor)
		defer cancel()
		err = s.Overrides.RevokeOverride(ctx, revoked, actor(r))
		s.Changed()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, wire.RevokedOverride{ID: revoked.ID, Expires: revoked.Expires.UTC()})
}

// signedOverride finds an override by the event that it has.
func (s *server) signedOverride(ctx context.Context, id string) (fleet.RevokedOverride, error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	events, err := s.History.Events(ctx, rollout.EventQuery{Kind: kindOverride, Subject: id})
	if err != nil {
		return fleet.RevokedOverride{}, err
	}
	for _, event := range events {
		var facts signed
		if event.Verb == rollout.VerbOverrideCreate && json.Unmarshal(event.After, &facts) == nil {
			return fleet.RevokedOverride{ID: id, Expires: facts.Expires}, nil
		}
	}
	return fleet.RevokedOverride{}, newProblem(http.StatusNotFound, "unknown_override", "There is no such override.",
		fmt.Sprintf("no override with the id %q was ever made here; nothing was changed", id),
		"its id is the third part of its value, between dots")
}

// RotateOverrideKey makes a new key that signs from now on.
func (s *server) RotateOverrideKey(w http.ResponseWriter, r *http.Request) {
	var body wire.VerbRequest
	err := readJSON(r, &body)
	if err == nil {
		err = checkLine("reason", body.Reason)
	}
	if err == nil {
		err = s.rotate(r, body.Reason)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ids := s.Signer.IDs()
	s.writeJSON(w, r, wire.OverrideKeys{Signing: ids[0], Verifying: ids})
}

// rotate writes the event last: it names the new key.
func (s *server) rotate(r *http.Request, reason string) error {
	before := s.Signer.IDs()
	if err := s.Signer.Rotate(); err != nil {
		return err
	}
	after := s.Signer.IDs()
	if len(after) == 0 {
		return auth.ErrNoOverrideKeys
	}
	facts := func(ids []string) json.RawMessage {
		text, _ := json.Marshal(map[string][]string{"keys": ids}) // never fails: these are texts
		return text
	}
	err := s.note(r, rollout.Event{
		Verb: rollout.VerbOverrideRotate, Kind: kindOverride, Subject: after[0], Reason: reason,
		Before: facts(before), After: facts(after),
	})
	if err != nil {
		return newProblem(http.StatusServiceUnavailable, "not_recorded", "The key was rotated, and the history does not say so.",
			fmt.Sprintf("key %s signs from now on, but its event could not be written: %v", after[0], err), "")
	}
	return nil
}

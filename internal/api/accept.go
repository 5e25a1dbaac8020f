package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// kindStore is the kind of events about the store as a whole.
const kindStore = "store"

// accepted is what the event of an acceptance keeps of either side.
type accepted struct {
	Instance string           `json:"instance"`
	StoreID  string           `json:"store_id"`
	Revision routing.Revision `json:"revision"`
	Digest   string           `json:"digest"`
}

// AcceptStore lets this router follow what its store holds although it raised an
// alarm about it. Somebody has looked which of the two is right.
func (s *server) AcceptStore(w http.ResponseWriter, r *http.Request) {
	var body wire.VerbRequest
	err := readJSON(r, &body)
	if err == nil {
		err = checkLine("reason", body.Reason)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	served := s.Router.Snapshot()
	if s.Router.Status().Alarm == nil || served == nil {
		s.writeJSON(w, r, s.acceptance(r, served, served, "nothing to do: this router has raised no alarm about its store"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), moveFor)
	defer cancel()
	next, err := s.accept(ctx, r, served, body.Reason)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, s.acceptance(r, served, next, ""))
}

// accept writes the event first: what cannot be recorded is not done.
func (s *server) accept(ctx context.Context, r *http.Request, served *fleet.Snapshot, reason string) (*fleet.Snapshot, error) {
	held, err := s.Catalog.Load(ctx, nil)
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(s.accepted(served))
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(s.accepted(held))
	if err != nil {
		return nil, err
	}
	err = s.note(r, rollout.Event{
		Verb: rollout.VerbStoreAccept, Kind: kindStore, Subject: held.StoreID, Reason: reason, Before: before, After: after,
	})
	if err != nil {
		return nil, err
	}
	return s.Accept(ctx)
}

func (s *server) accepted(snapshot *fleet.Snapshot) accepted {
	return accepted{Instance: s.Instance, StoreID: snapshot.StoreID, Revision: snapshot.Revision, Digest: snapshot.Digest}
}

func (s *server) acceptance(r *http.Request, before, after *fleet.Snapshot, note string) wire.Acceptance {
	answer := wire.Acceptance{Instance: s.Instance, Changed: note == "", Note: note, Actor: actor(r), At: time.Now().UTC()}
	if before != nil && after != nil {
		answer.PreviousRevision, answer.Revision = wire.Revision(before.Revision), wire.Revision(after.Revision)
		answer.StoreID = after.StoreID
	}
	return answer
}

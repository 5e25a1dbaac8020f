package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// replayFor bounds a replay: both sides are asked, each within its own timeout.
const replayFor = 25 * time.Second

// maxReplayHeaders is how many fields a replay may bring.
const maxReplayHeaders = 100

// ReplayExemplar asks both sides again, and says what became of the difference.
func (s *server) ReplayExemplar(w http.ResponseWriter, r *http.Request, exemplar string) {
	var body wire.ReplayRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	headers, err := replayHeaders(body.Headers)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	kept, err := s.exemplar(r.Context(), exemplar)
	if err == nil {
		err = s.refuseReplay(kept, body.Signature)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), replayFor)
	defer cancel()
	replayed, err := s.Replay(ctx, kept, body.Signature, headers)
	if errors.Is(err, shadow.ErrNotAsked) {
		err = newProblem(http.StatusConflict, "not_replayed", "This cannot be asked again.", err.Error(), "")
	}
	if err != nil {
		s.fail(w, r, s.unread(err))
		return
	}
	s.writeJSON(w, r, wireReplay(kept, replayed))
}

// refuseReplay refuses what cannot be replayed here, or not so.
func (s *server) refuseReplay(kept shadow.Exemplar, signature string) error {
	if s.Replay == nil {
		return newProblem(http.StatusServiceUnavailable, "no_replay", "This router cannot replay.",
			"it serves no requests yet; nothing was sent", "ask another router, or this one again")
	}
	if _, shows := kept.Shows(signature); signature != "" && !shows {
		return newProblem(http.StatusNotFound, "unknown_signature", "The exemplar does not show that difference.",
			fmt.Sprintf("exemplar %s shows no difference with the signature %q; nothing was sent", kept.ID, signature),
			"list what each shows with: stranglerctl diff -o wide")
	}
	return nil
}

// replayHeaders reads the fields that take the place of those of an exemplar.
// No message repeats a value: it may be a credential.
func replayHeaders(fields []wire.HeaderField) (http.Header, error) {
	if len(fields) > maxReplayHeaders {
		return nil, badRequest("bad_header", fmt.Sprintf("there are %d headers, at most %d are sent", len(fields), maxReplayHeaders), "")
	}
	headers := make(http.Header, len(fields))
	for i, field := range fields {
		if !httpguts.ValidHeaderFieldName(field.Name) {
			return nil, badRequest("bad_header", fmt.Sprintf("headers[%d].name is %q and has to be the name of a header", i, field.Name), "")
		}
		if !httpguts.ValidHeaderFieldValue(field.Value) {
			return nil, badRequest("bad_header", fmt.Sprintf("the value of header %s has a control character", field.Name), "")
		}
		headers.Add(field.Name, field.Value)
	}
	return headers, nil
}

func wireReplay(kept shadow.Exemplar, replayed Replayed) wire.Replay {
	return wire.Replay{
		Exemplar: kept.ID, Route: kept.Route, Verdict: wire.ReplayVerdict(replayed.Verdict),
		Legacy: wireAnswer(replayed.Legacy), New: wireAnswer(replayed.New),
		Differences: wireDifferences(kept, kept.Differences), Now: wireDifferences(kept, replayed.Now), More: replayed.More, Unseen: orEmpty(replayed.Unseen),
		Noise: orEmpty(replayed.Noise),
	}
}

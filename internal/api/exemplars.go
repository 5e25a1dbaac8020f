package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// evidenceFor bounds how long somebody who looks at differences waits for them.
const evidenceFor = 10 * time.Second

// GetExemplar answers with one comparison as it is kept.
func (s *server) GetExemplar(w http.ResponseWriter, r *http.Request, exemplar string) {
	kept, err := s.exemplar(r.Context(), exemplar)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, wireExemplar(kept))
}

// exemplar finds an exemplar by its id.
func (s *server) exemplar(ctx context.Context, id string) (shadow.Exemplar, error) {
	ctx, cancel := context.WithTimeout(ctx, evidenceFor)
	defer cancel()
	kept, err := s.Evidence.Exemplar(ctx, id)
	if errors.Is(err, shadow.ErrUnknownExemplar) {
		return kept, newProblem(http.StatusNotFound, "unknown_exemplar", "There is no such exemplar.",
			fmt.Sprintf("no exemplar %q is kept: of each difference those of a few comparisons are, and newer ones take their place", id),
			"list what is kept with: stranglerctl diff")
	}
	return kept, s.unread(err)
}

// unread is for evidence that could not be read. A read that took too long
// leaves nothing in doubt.
func (s *server) unread(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return s.storeAway(err)
	}
	return err
}

func wireExemplar(e shadow.Exemplar) wire.Exemplar {
	return wire.Exemplar{
		ID: e.ID, Route: e.Route, Epoch: e.Epoch, Signatures: orEmpty(e.Signatures), Served: wire.Side(e.Served),
		Instance: e.Instance, At: e.At.UTC(), Request: wireRequest(e.Request), Legacy: wireAnswer(e.Legacy), New: wireAnswer(e.New),
		Differences: wireDifferences(e, e.Differences), More: e.More,
	}
}

func wireRequest(q shadow.Request) wire.ShadowedRequest {
	request := wire.ShadowedRequest{
		Method: q.Method, Scheme: q.Scheme, Host: q.Host, Target: q.Target, Headers: []wire.HeaderField{},
	}
	for name, values := range q.Header {
		for _, value := range values {
			request.Headers = append(request.Headers, wire.HeaderField{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(request.Headers, func(a, b wire.HeaderField) int { return cmp.Compare(a.Name, b.Name) })
	if utf8.Valid(q.Body) {
		request.Body = string(q.Body)
	} else {
		request.BodyBase64 = base64.StdEncoding.EncodeToString(q.Body)
	}
	return request
}

func wireAnswer(t shadow.Took) wire.SideAnswer {
	return wire.SideAnswer{Status: t.Status, Bytes: t.Bytes, DurationS: t.Duration.Seconds(), Build: t.Build}
}

// wireDifferences writes differences of the two answers that an exemplar is of.
func wireDifferences(e shadow.Exemplar, list []compare.Difference) []wire.Difference {
	differences := make([]wire.Difference, len(list))
	for i, d := range list {
		differences[i] = wire.Difference{
			Signature: e.SignatureID(d), Where: d.Where, Path: d.Path, Kind: wire.DifferenceKind(d.Kind),
			Legacy: wireValue(d.Legacy), New: wireValue(d.New),
		}
	}
	return differences
}

func wireValue(v compare.Value) wire.DifferentValue {
	return wire.DifferentValue{Type: v.Type, Text: v.Text}
}

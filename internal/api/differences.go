package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/noise"
	"github.com/stranglerfig/strangler/internal/spec"
)

// maxSince is how long tallies are kept.
const maxSince = 7 * 24 * time.Hour

// ListDifferences answers with what was found on every route.
func (s *server) ListDifferences(w http.ResponseWriter, r *http.Request, params wire.ListDifferencesParams) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reports, err := s.differences(r, snapshot, shadow.Query{}, params.Since)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, reports)
}

// GetDifferences answers with what was found on one route.
func (s *server) GetDifferences(w http.ResponseWriter, r *http.Request, route string, params wire.GetDifferencesParams) {
	snapshot, i, err := s.readRoute(w, r, route)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	query := shadow.Query{Routes: []string{route}, Epoch: orNone(params.Epoch)}
	reports, err := s.differences(r, snapshot, query, params.Since)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case len(reports) > 0:
		s.writeJSON(w, r, reports[0])
	case query.Epoch != "":
		s.fail(w, r, unknownEpoch(route, query.Epoch))
	default:
		s.writeJSON(w, r, nothingFound(snapshot, i))
	}
}

func unknownEpoch(route, epoch string) *problem {
	return newProblem(http.StatusNotFound, "unknown_epoch", "There is no such epoch.",
		fmt.Sprintf("route %s has no evidence of an epoch %q, or not any more", route, epoch),
		"without epoch the answer is about the one that began last, and lists all that are kept")
}

// differences reads the evidence that a query selects, and says what it comes
// to. Evidence of routes that are not defined any more is left out.
func (s *server) differences(r *http.Request, snapshot *fleet.Snapshot, query shadow.Query, since *string) ([]wire.RouteDifferences, error) {
	var err error
	if query.Since, err = sinceWhen(since); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), evidenceFor)
	defer cancel()
	evidence, err := s.Evidence.Evidence(ctx, query)
	if err != nil {
		return nil, s.unread(err)
	}
	reports := []wire.RouteDifferences{}
	for _, e := range evidence {
		if i, found := find(snapshot.Definitions.Routes, e.Route, routeName); found {
			reports = append(reports, report(snapshot, i, e, query.Since))
		}
	}
	if role(r).Allows(auth.Operator) {
		s.showValues(ctx, reports)
	}
	return reports, nil
}

// sinceWhen reads how far back is counted; the zero time: to the beginning.
func sinceWhen(text *string) (time.Time, error) {
	if text == nil {
		return time.Time{}, nil
	}
	ago, err := time.ParseDuration(*text)
	if err != nil || ago <= 0 || ago > maxSince {
		return time.Time{}, badRequest("bad_since",
			fmt.Sprintf("since is %q and has to be a duration above 0, such as 30m or 24h, and at most 168h: older evidence is forgotten", *text), "")
	}
	return time.Now().Add(-ago), nil
}

// report writes what was found on the i-th route of a snapshot.
func report(snapshot *fleet.Snapshot, i int, evidence shadow.Evidence, since time.Time) wire.RouteDifferences {
	summary := shadow.Summarise(evidence)
	answer := nothingFound(snapshot, i)
	if evidence.Epoch.ID != "" {
		epoch := wireEpoch(evidence.Epoch)
		answer.Epoch = &epoch
		answer.Outdated = isOutdated(snapshot.Definitions.Routes[i], evidence.Epoch)
	}
	for _, epoch := range evidence.Epochs {
		answer.Epochs = append(answer.Epochs, wireEpoch(epoch))
	}
	if !since.IsZero() {
		since = since.UTC()
		answer.Since = &since
	}
	answer.Compared, answer.Mismatched = int64(summary.Compared), int64(summary.Mismatched)
	answer.Noise, answer.Overflow = int64(summary.Noise), int64(summary.Overflow)
	for reason, n := range summary.Skipped {
		answer.Skipped[reason] = int64(n)
	}
	answer.ExemplarBytes = evidence.Bytes
	for _, found := range summary.Found {
		answer.Differences = append(answer.Differences, wireFound(found))
	}
	return answer
}

// nothingFound is the answer for a route that was never compared.
func nothingFound(snapshot *fleet.Snapshot, i int) wire.RouteDifferences {
	definition := snapshot.Definitions.Routes[i]
	return wire.RouteDifferences{
		Route: definition.Name, Epochs: []wire.EvidenceEpoch{}, Skipped: map[string]int64{},
		ShareBp: share(definition, snapshot.Routes[i].Stage), Differences: []wire.FoundDifference{},
	}
}

// share is how much of a route is shadowed in a stage, in basis points of its cohorts.
func share(definition spec.Route, stage routing.Stage) int32 {
	policy := definition.ShadowPolicy()
	return int32(policy.Share(stage))
}

// isOutdated reports whether a route was compared in an epoch by other rules or
// fields than it has now.
func isOutdated(definition spec.Route, epoch shadow.Epoch) bool {
	policy := definition.ShadowPolicy()
	return epoch.ID != "" && epoch.Rules != policy.Basis(time.Now())
}

func wireEpoch(e shadow.Epoch) wire.EvidenceEpoch {
	return wire.EvidenceEpoch{ID: e.ID, Build: e.Build, Rules: e.Rules, Began: e.Began.UTC(), Last: e.Last.UTC()}
}

func wireFound(f shadow.Found) wire.FoundDifference {
	return wire.FoundDifference{
		Signature: f.ID, Where: f.Where, Kind: wire.DifferenceKind(f.Kind),
		Legacy: f.Legacy, New: f.New, LegacyType: f.Legacy, NewType: f.New,
		Count: int64(f.Count), Noise: f.Verdict == noise.Noise, Verdict: wire.NoiseVerdict(f.Verdict),
		Pairs:     wire.NoisePairs{Both: int64(f.Pairs.Both), New: int64(f.Pairs.New), Legacy: int64(f.Pairs.Legacy)},
		Confirmed: int64(f.Confirmed), Transient: int64(f.Transient), Exemplars: orEmpty(f.Exemplars),
	}
}

package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// maxPreviewed is how many exemplars a preview looks at: the newest of each
// difference first, so that rare ones are looked at as well.
const maxPreviewed = 500

// PreviewRule says what a rule would have hidden. Nothing is changed.
func (s *server) PreviewRule(w http.ResponseWriter, r *http.Request, route string) {
	var body wire.RuleRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	body.Reason = cmp.Or(body.Reason, "preview") // a rule has one, and nobody keeps this one's
	wanted, err := ruleOf(body)
	if err == nil {
		_, _, err = s.readRoute(w, r, route)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), evidenceFor)
	defer cancel()
	preview, err := s.preview(ctx, route, wanted)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if preview == nil {
		preview = &wire.RulePreview{Exact: true, Everything: wanted.HidesAll()}
	}
	s.writeJSON(w, r, preview)
}

// preview says what a rule would have hidden of a route's evidence; nil: there
// is none.
func (s *server) preview(ctx context.Context, route string, wanted rule.Rule) (*wire.RulePreview, error) {
	evidence, err := s.Evidence.Evidence(ctx, shadow.Query{Routes: []string{route}})
	if err != nil || len(evidence) == 0 {
		return nil, s.unread(err)
	}
	exemplars, err := s.Evidence.Exemplars(ctx, someOf(evidence[0].Exemplars, maxPreviewed))
	if err != nil {
		return nil, s.unread(err)
	}
	found, err := shadow.Preview(evidence[0], exemplars, wanted)
	if err != nil {
		return nil, fmt.Errorf("preview of a rule for route %s: %w", route, err)
	}
	return &wire.RulePreview{
		Hidden: int64(found.Hidden), Of: int64(found.Of), Exact: !found.About, Everything: found.Everything,
		Exemplars: found.Exemplars, Unseen: found.Unseen,
	}, nil
}

// someOf lists so many exemplars at most: the newest of each signature, then the
// next ones. One that shows several signatures is listed once.
func someOf(bySignature map[string][]string, most int) []string {
	var ids []string
	listed := make(map[string]bool)
	for rank, more := 0, true; more; rank++ {
		more = false
		for _, signature := range slices.Sorted(maps.Keys(bySignature)) {
			exemplars := bySignature[signature]
			if rank >= len(exemplars) {
				continue
			}
			more = true
			if id := exemplars[rank]; !listed[id] {
				ids, listed[id] = append(ids, id), true
			}
			if len(ids) == most {
				return ids
			}
		}
	}
	return ids
}

package api

import (
	"context"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// maxShown is how many exemplars one answer reads to show values. The most
// frequent differences come first; the others show their types.
const maxShown = 200

// showValues puts what the newest exemplars have in place of types. Types are
// better than no answer, so a failure is only logged.
func (s *server) showValues(ctx context.Context, reports []wire.RouteDifferences) {
	ids := newest(reports)
	if len(ids) == 0 {
		return
	}
	kept, err := s.Evidence.Exemplars(ctx, ids)
	if err != nil {
		s.Logger.Warn("the values of differences could not be read", "error", err)
		return
	}
	byID := make(map[string]shadow.Exemplar, len(kept))
	for _, exemplar := range kept {
		byID[exemplar.ID] = exemplar
	}
	for _, report := range reports {
		for i := range report.Differences {
			found := &report.Differences[i]
			if len(found.Exemplars) == 0 {
				continue
			}
			if d, shown := byID[found.Exemplars[0]].Shows(found.Signature); shown {
				found.Legacy, found.New = d.Legacy.Text, d.New.Text
			}
		}
	}
}

// newest lists the newest exemplars of the most frequent differences, as many of
// one route as of another, and each once.
func newest(reports []wire.RouteDifferences) []string {
	var ids []string
	listed := make(map[string]bool)
	for rank, more := 0, true; more; rank++ {
		more = false
		for _, report := range reports {
			if rank >= len(report.Differences) {
				continue
			}
			more = true
			if kept := report.Differences[rank].Exemplars; len(kept) > 0 && !listed[kept[0]] {
				ids, listed[kept[0]] = append(ids, kept[0]), true
			}
			if len(ids) == maxShown {
				return ids
			}
		}
	}
	return ids
}

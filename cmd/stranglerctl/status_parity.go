package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// parityText says how far the two sides gave the same answers, and of how many
// comparisons: "99.94% of 18211". It is empty where nothing was ever compared.
func parityText(p *wire.Parity) string {
	if p == nil || p.Compared == 0 {
		return ""
	}
	alike := wire.Weight(math.Round(10_000 * float64(p.Compared-p.Mismatched) / float64(p.Compared)))
	if p.Mismatched > 0 {
		alike = min(alike, 9_999) // one mismatch of a million is not 100%
	}
	return fmt.Sprintf("%s of %d", percent(alike), p.Compared)
}

// skippedCount is how many requests were to be compared and were not.
func skippedCount(p *wire.Parity) string {
	if p == nil {
		return ""
	}
	return strconv.FormatInt(p.Skipped, 10)
}

// compared reads what comparing has found of the one route that is shown. Not
// to know it is no reason to show nothing of the rest.
func (s *statusReader) compared(ctx context.Context, d wire.RouteDetail) *wire.RouteDifferences {
	if d.Parity == nil {
		return nil
	}
	found, err := ask[wire.RouteDifferences](s.api.GetDifferences(ctx, d.Name, &wire.GetDifferencesParams{}))
	if err != nil {
		return nil
	}
	return &found.value
}

// parityFields are the names and values of what comparing has found of a route.
func (s *statusReader) parityFields(p *wire.Parity, found *wire.RouteDifferences) [][2]string {
	if p == nil {
		return nil
	}
	parity := "nothing compared"
	if text := parityText(p); text != "" {
		parity = fmt.Sprintf("%s, %s, %d noise", text, mismatchText(p.Mismatched, p.Compared), p.Noise)
	}
	if found == nil {
		return [][2]string{{"parity", fmt.Sprintf("%s, %d skipped", parity, p.Skipped)}, {"shadow", shadowedText(p.ShareBp)}}
	}
	fields := [][2]string{{"parity", parity + ", " + skippedText(found.Skipped)}, {"shadow", shadowedText(p.ShareBp)}}
	if found.Outdated {
		fields[0][1] += "; by earlier rules: by those it has now nothing was compared yet"
	}
	if e := found.Epoch; e != nil {
		fields = append(fields, [2]string{"epoch", epochText(*e, term.Ago(s.now().Sub(e.Began)))})
	}
	var earlier []string
	for _, e := range found.Epochs {
		if found.Epoch == nil || e.ID != found.Epoch.ID {
			earlier = append(earlier, strings.TrimSpace(e.ID+" "+e.Build))
		}
	}
	return append(fields, [2]string{"earlier", strings.Join(earlier, ", ")})
}

func shadowedText(shareBp wire.Weight) string {
	if shareBp == 0 {
		return "nothing is shadowed in its present stage"
	}
	return percent(shareBp) + " of its users are shadowed"
}

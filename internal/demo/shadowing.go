package demo

import (
	"context"
	"fmt"
)

// The places in which the two shops differ.
const (
	placeTotal = "$.total"        // the first bug: a string
	placeVary  = "header Vary"    // the second one: missing
	placeClock = "$.generated_at" // noise: the moment at which an order was read
)

// findBugs has the new shop asked as well, and looks for its two bugs.
func (s *script) findBugs(ctx context.Context) (found string, err error) {
	for _, route := range []string{routeOrder, routeProducts, routeCatalogue} {
		if err := s.admin.move(ctx, route, "promote", "shadow"); err != nil {
			return "", err
		}
	}
	orders, err := s.admin.evidence(ctx, routeOrder, "")
	if err != nil {
		return "", err
	}
	total := orders.at(placeTotal)
	if total.Kind != "type" || total.LegacyType != "number" || total.NewType != "string" {
		return "", fmt.Errorf("%s of %s: found %+v, want a number that became a string", placeTotal, routeOrder, total)
	}
	products, err := s.admin.evidence(ctx, routeProducts, "")
	if err != nil {
		return "", err
	}
	vary := products.at(placeVary)
	if vary.Kind != "missing" || vary.Count == 0 {
		return "", fmt.Errorf("%s of %s: found %+v, want one that is missing", placeVary, routeProducts, vary)
	}
	return fmt.Sprintf("%s is no number any more, in %d of %d comparisons; %s is missing, in %d of %d",
		placeTotal, total.Count, orders.Compared, placeVary, vary.Count, products.Compared), nil
}

// tellNoise looks whether the router knows the clock from a bug.
func (s *script) tellNoise(ctx context.Context) (found string, err error) {
	orders, err := s.admin.evidence(ctx, routeOrder, "")
	if err != nil {
		return "", err
	}
	clock, total := orders.at(placeClock), orders.at(placeTotal)
	if clock.Verdict != "noise" {
		return "", fmt.Errorf("%s is %q, want noise: %+v", placeClock, clock.Verdict, clock)
	}
	if total.Verdict != "real" {
		return "", fmt.Errorf("%s is %q, want real: %+v", placeTotal, total.Verdict, total)
	}
	return fmt.Sprintf("%s is noise, legacy differed from itself in %d of %d comparisons; %s is not, in none of %d",
		placeClock, clock.Pairs.Both+clock.Pairs.Legacy, clock.Pairs.Both+clock.Pairs.Legacy+clock.Pairs.New,
		placeTotal, total.Pairs.New), nil
}

// silence adds a rule for the signature in the foot of the pages, which is meant
// to differ, and looks whether the pages are alike from then on.
func (s *script) silence(ctx context.Context) (found string, err error) {
	before, err := s.admin.evidence(ctx, routeCatalogue, "")
	if err != nil {
		return "", err
	}
	if before.Mismatched == 0 {
		return "", fmt.Errorf("no page differs, though each says in its foot who served it: %+v", before)
	}
	foot := ruleRequest{
		Kind: "replace", Target: "body", Pattern: "served by (legacy|new)", With: "served",
		Reason: "the foot of a page says who served it",
	}
	seen, err := s.admin.previewRule(ctx, routeCatalogue, foot)
	if err != nil {
		return "", err
	}
	if seen.Hidden == 0 || seen.Hidden != seen.Of {
		return "", fmt.Errorf("the rule would hide %d of %d differences, want all", seen.Hidden, seen.Of)
	}
	if err := s.admin.addRule(ctx, routeCatalogue, foot); err != nil {
		return "", err
	}
	after, err := s.admin.evidence(ctx, routeCatalogue, before.Epoch.ID)
	if err != nil {
		return "", err
	}
	if after.Mismatched > 0 {
		return "", fmt.Errorf("%d of %d pages still differ: %+v", after.Mismatched, after.Compared, after.Differences)
	}
	return fmt.Sprintf("it would have hidden %d of %d differences; since then 0 of %d pages differ", seen.Hidden, seen.Of, after.Compared), nil
}

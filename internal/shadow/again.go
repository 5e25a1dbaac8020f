package shadow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// ErrNotAsked says that a request could not be sent to both sides again.
var ErrNotAsked = errors.New("both sides cannot be asked again")

// Answers is what both sides of a route say to a request now.
type Answers struct {
	Legacy, New Took
	OfLegacy    compare.Answer
	Result      compare.Result
	Withheld    [2]bool // by routing.Side: it got no credentials, being of another trust than who served
}

// Again sends an exemplar's request to both sides of its route. Fields of header
// take the place of the exemplar's; of those whose value is hidden and that
// header does not have, none is sent. ctx bounds it, besides the route's own
// timeout. Breakers and queues are not asked: a person waits. Errors match
// ErrNotAsked.
func (e *Engine) Again(ctx context.Context, exemplar *Exemplar, header map[string][]string) (*Answers, error) {
	adopted := e.inService(exemplar.Route)
	lane, served := adopted.Lane, routing.SideNamed(exemplar.Served)
	sides := &adopted.Sides[served]
	switch {
	case !Safe(exemplar.Request.Method):
		return nil, fmt.Errorf("%w: a %s may change something on legacy; nothing was sent", ErrNotAsked, exemplar.Request.Method)
	case lane == nil || sides.Legacy == nil || sides.New == nil:
		return nil, fmt.Errorf("%w: route %q has not two sides with endpoints on this router; nothing was sent", ErrNotAsked, exemplar.Route)
	}
	request := exemplar.Request
	request.Header = sent(request.Header, header)
	ctx, cancel := context.WithTimeout(ctx, lane.settings.Policy.Timeout)
	defer cancel()
	var legacy, fresh asked
	var both sync.WaitGroup
	both.Go(func() { legacy = lane.send(ctx, sides.Legacy, &request) })
	both.Go(func() { fresh = lane.send(ctx, sides.New, &request) })
	both.Wait()
	defer fresh.body.release()
	defer legacy.body.release()
	for side, a := range [...]*asked{routing.Legacy: &legacy, routing.New: &fresh} {
		a.heed()
		if a.NotAsked && a.Class != guard.NotSent {
			return nil, fmt.Errorf("%w: the %s side: %s", ErrNotAsked, routing.Side(side), a.Reason)
		}
	}
	answers := &Answers{Legacy: legacy.side(), New: fresh.side(), OfLegacy: legacy.answer(), Withheld: [2]bool{routing.Legacy: legacy.Withheld, routing.New: fresh.Withheld}}
	answers.Result = compare.Compare(answers.OfLegacy, fresh.answer(), lane.options(request.Method, time.Now()))
	answers.OfLegacy.Body = slices.Clone(answers.OfLegacy.Body) // its room is given back
	return answers, nil
}

// sent is what is sent of the fields of an exemplar.
func sent(kept, given map[string][]string) map[string][]string {
	fields := maps.Clone(kept)
	maps.DeleteFunc(fields, func(_ string, values []string) bool { return slices.ContainsFunc(values, isHidden) })
	if fields == nil {
		fields = make(map[string][]string, len(given))
	}
	maps.Copy(fields, given)
	return fields
}

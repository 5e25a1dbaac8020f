package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Place says where everything of a running demo is: base URLs and the token of
// its admin API.
type Place struct {
	Shop      string // through the router
	Admin     string
	Token     string
	LegacyURL string // the legacy shop itself
	NewURL    string // the new shop itself
	Outage    Outage // of the new shop
	Bug       Bug    // in the new shop
}

// ErrScript says that a step of the script found something else than it should.
var ErrScript = errors.New("the script failed")

// Play plays the story of a migration against a running demo, and prints every
// step with its numbers. The demo's definitions must have been applied, and
// no route must have moved yet.
//
// Errors: ErrScript, after the step that failed; later steps are not played.
func Play(ctx context.Context, place Place, out io.Writer) error {
	transport := &http.Transport{MaxIdleConnsPerHost: crowdAtOnce}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	s := &script{
		place:   place,
		client:  client,
		admin:   &admin{base: place.Admin, token: place.Token, client: client},
		crowd:   &crowd{shop: place.Shop, client: client},
		traffic: NewTraffic(place.Shop, 50, 100),
	}
	defer s.accompany(ctx)()
	steps := s.steps()
	for i, step := range steps {
		found, err := step.play(ctx)
		if err != nil {
			fmt.Fprintf(out, "× %s: %v\n", step.name, err)
			return fmt.Errorf("%w at step %d of %d, %s: %w", ErrScript, i+1, len(steps), step.name, err)
		}
		fmt.Fprintf(out, "√ %s: %s\n", step.name, found)
	}
	fmt.Fprintf(out, "All %d steps went as they should.\n", len(steps))
	return nil
}

// script is what the steps share.
type script struct {
	place   Place
	client  *http.Client
	admin   *admin
	crowd   *crowd
	traffic *Traffic
	stop    func() // ends the traffic and waits for its visitors

	lines    *lines
	at25     []Side // each user's side at 25 %
	promoted []Side // and at 50 %
}

// accompany starts the visitors who are in the shop while the script plays;
// the function it returns ends everything that the script has left running.
func (s *script) accompany(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var visitors sync.WaitGroup
	visitors.Go(func() { s.traffic.Run(ctx) })
	s.stop = func() {
		cancel()
		visitors.Wait()
	}
	return func() {
		s.stop()
		if s.lines != nil {
			s.lines.close()
		}
	}
}

// step is one thing that must be so; play says what was found.
type step struct {
	name string
	play func(context.Context) (found string, err error)
}

func (s *script) steps() []step {
	return []step{
		{"everything passes through to legacy unchanged", s.unchanged},
		{"a feed and a WebSocket are opened", s.open},
		{"shadow three routes: the two bugs of the new shop are found", s.findBugs},
		{"what differs by itself is told apart from them", s.tellNoise},
		{"a rule silences what is meant to differ", s.silence},
		{"promote orders-get to 25 %: a gate refuses, because of the first bug", s.refused},
		{"promote it nevertheless, with a reason: about a quarter of the users move", s.promote25},
		{"each of them stays where they are", s.stay},
		{"promote orders-get to 50 %: nobody moves back", s.promote50},
		{"a drill, with the autopilot disarmed: the new shop crashes, its breaker opens, and nobody is worse off", s.breakDown},
		{"the new shop is back: the breaker closes by itself", s.heal},
		{"pause orders-get: nobody moves, and promote is refused", s.pause},
		{"roll orders-get back: new serves nobody from then on", s.rollback},
		{"an upload arrives whole", s.upload},
		{"promote orders-get once more, and arm the autopilot", s.arm},
		{"the new shop answers 500 to three in ten: the autopilot takes the route back", s.takenBack},
		{"the history tells it", s.history},
		{"the feed and the WebSocket have survived it all", s.survived},
		{"nobody in the shop has noticed", s.unnoticed},
	}
}

func (s *script) open(ctx context.Context) (found string, err error) {
	if s.lines, err = openLines(ctx, s.place.Shop, s.client); err != nil {
		return "", err
	}
	return "both are open", nil
}

func (s *script) promote25(ctx context.Context) (found string, err error) {
	if err := s.admin.force(ctx, routeOrder, "25%"); err != nil {
		return "", err
	}
	if s.at25, err = s.crowd.ask(ctx); err != nil {
		return "", err
	}
	return share(s.at25), around(s.at25, 0.25)
}

func (s *script) stay(ctx context.Context) (found string, err error) {
	again, err := s.crowd.ask(ctx)
	if err != nil {
		return "", err
	}
	for user, side := range again {
		if side != s.at25[user] {
			return "", fmt.Errorf("user-%d was served by %s, and now by %s", user, s.at25[user], side)
		}
	}
	return fmt.Sprintf("0 of %d users changed sides when they came again", len(again)), nil
}

func (s *script) promote50(ctx context.Context) (found string, err error) {
	if err := s.admin.force(ctx, routeOrder, "50%"); err != nil {
		return "", err
	}
	if s.promoted, err = s.crowd.ask(ctx); err != nil {
		return "", err
	}
	if back := movedBack(s.at25, s.promoted); back > 0 {
		return "", fmt.Errorf("%d users moved back to legacy", back)
	}
	return share(s.promoted) + ", 0 moved back", around(s.promoted, 0.5)
}

func (s *script) pause(ctx context.Context) (found string, err error) {
	if err := s.admin.move(ctx, routeOrder, "pause", ""); err != nil {
		return "", err
	}
	err = s.admin.move(ctx, routeOrder, "promote", "")
	var refused *refusal
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict || refused.Code != "paused" {
		return "", fmt.Errorf("promote was not refused as paused, but answered: %w", err)
	}
	paused, err := s.crowd.ask(ctx)
	if err != nil {
		return "", err
	}
	if !slices.Equal(paused, s.promoted) {
		return "", fmt.Errorf("users moved: %s, before %s", share(paused), share(s.promoted))
	}
	return share(paused) + "; " + refused.Detail, nil
}

func (s *script) rollback(ctx context.Context) (found string, err error) {
	if err := s.admin.move(ctx, routeOrder, "rollback", ""); err != nil {
		return "", err
	}
	after, err := s.left(ctx)
	if err != nil {
		return "", err
	}
	return share(after), nil
}

// left asks as everybody, and fails where new serves anybody still.
func (s *script) left(ctx context.Context) (after []Side, err error) {
	if after, err = s.crowd.ask(ctx); err != nil {
		return nil, err
	}
	if n := onNew(after); n > 0 {
		return nil, fmt.Errorf("new still served %d of %d users", n, len(after))
	}
	return after, nil
}

func (s *script) history(ctx context.Context) (found string, err error) {
	events, err := s.admin.history(ctx, routeOrder)
	if err != nil {
		return "", err
	}
	var verbs []string
	for _, e := range slices.Backward(events) {
		if e.Verb != "apply" {
			verbs = append(verbs, e.Verb)
		}
	}
	want := []string{
		"promote", "promote", "promote", "autopilot_off", "pause", "rollback", "promote", "autopilot_off", "rollback",
	}
	if !slices.Equal(verbs, want) {
		return "", fmt.Errorf("it says %q, want %q", verbs, want)
	}
	return fmt.Sprintf("%s; the last by the %s, because of %s", strings.Join(verbs, ", "), events[0].Actor, events[0].Reason), nil
}

func (s *script) survived(ctx context.Context) (found string, err error) {
	ticks, err := s.lines.alive(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d ticks without a gap, and an echo", ticks), nil
}

func (s *script) unnoticed(context.Context) (found string, err error) {
	s.stop()
	t := s.traffic.Tally()
	if t.ClientErrors > 0 || t.Requests == 0 {
		return "", fmt.Errorf("client errors: %d of %d requests, the last: %s", t.ClientErrors, t.Requests, t.LastError)
	}
	return fmt.Sprintf("client errors: 0 of %d requests", t.Requests), nil
}

func share(sides []Side) string {
	n := onNew(sides)
	return fmt.Sprintf("new serves %d of %d users (%.1f %%)", n, len(sides), 100*float64(n)/float64(len(sides)))
}

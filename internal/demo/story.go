package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	storyPace     = 5 * time.Second // between two lines
	storyVisitors = 200
	storyRate     = 20 // requests a second
)

// introduce prints where everything is, and what to try.
func introduce(out io.Writer, place Place) error {
	_, err := fmt.Fprintf(out, `
A shop is being moved to new software, one route at a time. The router stands
in front of the old shop and the new one; %[4]d visitors are in it already.

  shop       %[1]s   (through the router)
  dashboard  %[2]s   (sign in with the token)
  admin API  %[2]s
  token      %[3]s

Try this in another terminal, in the same folder:

  export STRANGLER_SERVER=%[2]s STRANGLER_TOKEN=%[3]s
  go run ./cmd/stranglerctl status
  go run ./cmd/stranglerctl promote orders-get --to shadow --wait
  go run ./cmd/stranglerctl diff orders-get
  go run ./cmd/stranglerctl gate ls orders-get
  go run ./cmd/stranglerctl promote orders-get --to 25%% --force --reason known-bug --wait
  go run ./cmd/stranglerctl fault start orders-get --side new --status 503 --for 1m
  go run ./cmd/stranglerctl history orders-get

In stage shadow the old shop serves, and the new one is asked as well: ten
seconds later diff says where their answers differ. That is why a gate refuses
to promote the route, unless somebody insists.

The fault is an outage of the new shop, for a minute: the router notices, and
gives its visitors to the old one, who see no errors. Some seconds later the
autopilot rolls the route back, and the history says why.

Who served a page stands at its foot, and in the header X-Served-By. Each user
stays on one side:

  for user in $(seq 12); do
    curl -si -H "X-User-Id: $user" %[1]s/api/orders/1001 | grep X-Served-By
  done

Ctrl-C ends everything and leaves nothing behind. Meanwhile, what the visitors
see, and how many of their answers come from the new shop:

`, place.Shop, place.Admin, place.Token, storyVisitors)
	return err
}

// tell prints a line about the visitors every few seconds, until ctx ends.
func tell(ctx context.Context, out io.Writer, traffic *Traffic) error {
	ticker := time.NewTicker(storyPace)
	defer ticker.Stop()
	before := traffic.Tally()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			tally := traffic.Tally()
			if _, err := fmt.Fprintln(out, now.Format(time.TimeOnly)+"  "+sentence(tally.Since(before))); err != nil {
				return fmt.Errorf("the story cannot be told: %w", err)
			}
			before = tally
		}
	}
}

// sentence says in one line what the visitors saw: how much of each route came
// from the new shop, and whether anything went wrong.
func sentence(t Tally) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d requests, ", t.Requests)
	if t.ClientErrors == 0 {
		text.WriteString("no errors")
	} else {
		fmt.Fprintf(&text, "%d errors (the last: %s)", t.ClientErrors, t.LastError)
	}
	for _, route := range []string{routeOrder, routeProducts, routeCatalogue} {
		fmt.Fprintf(&text, "   %s: %s", route, newShare(t.Routes[route]))
	}
	return text.String()
}

func newShare(s Served) string {
	all := s.Legacy + s.New
	if all == 0 {
		return "nobody came"
	}
	return fmt.Sprintf("%d of %d (%d %%)", s.New, all, (100*s.New+all/2)/all)
}

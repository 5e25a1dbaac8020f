package notify

import (
	"slices"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// Format is how a webhook wants to be told.
type Format string

// The formats.
const (
	Standard Format = "standard" // signed JSON, as Standard Webhooks describes it
	Slack    Format = "slack"    // text
)

// Target is one webhook as it is defined.
type Target struct {
	Name   string
	URL    string // https://…, or where it is kept: env:NAME, file:/path
	Format Format
	Secret string         // where it is kept: env:NAME or file:/path; empty with Slack
	On     []rollout.Verb // what it is told of
}

func (t Target) equal(other Target) bool {
	return t.Name == other.Name && t.URL == other.URL && t.Format == other.Format && t.Secret == other.Secret && slices.Equal(t.On, other.On)
}

// Route is what must be known of a route to tell of it.
type Route struct {
	Group  string   // empty for a route of its own
	Notify []string // webhooks; empty: every one
}

// Subscriptions say who is to be told what, as it is defined now.
type Subscriptions struct {
	StoreID string // ids of messages begin with it
	Targets []Target
	Routes  map[string]Route // by name; of one that is not named every webhook is told
}

// target returns a webhook by its name, and whether it is defined.
func (s Subscriptions) target(name string) (Target, bool) {
	at := slices.IndexFunc(s.Targets, func(t Target) bool { return t.Name == name })
	if at < 0 {
		return Target{}, false
	}
	return s.Targets[at], true
}

func (s Subscriptions) defines(name string) bool {
	_, defined := s.target(name)
	return defined
}

// about says whether a webhook is told of a route at all.
func (s Subscriptions) about(route, webhook string) bool {
	names := s.Routes[route].Notify
	return len(names) == 0 || slices.Contains(names, webhook)
}

package spec

import "github.com/stranglerfig/strangler/internal/routing"

// Definitions is everything apply takes and export gives back. Stage, weight
// and hold are not in it: they belong to the verbs.
//
// Stored and compared definitions are kept sorted by name (Normalize does it).
type Definitions struct {
	Backends []Backend `json:"backends,omitempty" yaml:"backends,omitempty"`
	Groups   []Group   `json:"groups,omitempty" yaml:"groups,omitempty"`
	Webhooks []Webhook `json:"webhooks,omitempty" yaml:"webhooks,omitempty"`
	Routes   []Route   `json:"routes,omitempty" yaml:"routes,omitempty"`
}

// Backend is a named upstream with one or more endpoints.
type Backend struct {
	Name      string   `json:"name" yaml:"name"`
	Endpoints []string `json:"endpoints" yaml:"endpoints"` // http:// or https:// URLs without path, query or userinfo

	Protocol string      `json:"protocol,omitempty" yaml:"protocol,omitempty"` // "" or http1, h2, h2c, auto
	TLS      *BackendTLS `json:"tls,omitempty" yaml:"tls,omitempty"`           // only with https:// endpoints

	Bulkhead *Part[Bulkhead] `json:"bulkhead,omitempty" yaml:"bulkhead,omitempty"` // shared by all its lanes
	Health   *Health         `json:"health,omitempty" yaml:"health,omitempty"`     // nil: endpoints are not asked
	Fallback *FallbackBudget `json:"fallback,omitempty" yaml:"fallback,omitempty"` // for what falls back to it

	Trust       string `json:"trust,omitempty" yaml:"trust,omitempty"`               // shadow requests carry credentials to backends of the same trust alone
	BuildHeader string `json:"build_header,omitempty" yaml:"build_header,omitempty"` // response field that names its build; "": it has none
}

// Group is a cohort group: its routes share keys and salt, and so move the same users.
type Group struct {
	Name string `json:"name" yaml:"name"`
	Keys []Key  `json:"keys,omitempty" yaml:"keys,omitempty"` // first one present wins; empty: [mint]
	Salt string `json:"salt,omitempty" yaml:"salt,omitempty"` // random; made when the group is first applied
}

// Key is one cohort key source as people write it: {header: X-User-Id},
// {cookie: session}, {claim: sub}, client_address, mint. The two bare words
// are strings, in JSON as in YAML.
type Key struct {
	routing.Key
}

// Route is one route's definition.
type Route struct {
	Name          string   `json:"name" yaml:"name"`
	Match         Match    `json:"match" yaml:"match"`
	Priority      int      `json:"priority,omitempty" yaml:"priority,omitempty"`
	TrailingSlash string   `json:"trailing_slash,omitempty" yaml:"trailing_slash,omitempty"` // "" or strict, either
	Legacy        string   `json:"legacy" yaml:"legacy"`
	New           string   `json:"new,omitempty" yaml:"new,omitempty"`
	Group         string   `json:"group,omitempty" yaml:"group,omitempty"` // "": the route is its own group
	Keys          []Key    `json:"keys,omitempty" yaml:"keys,omitempty"`   // only without a group
	Salt          string   `json:"salt,omitempty" yaml:"salt,omitempty"`   // only without a group
	Pin           []Pin    `json:"pin,omitempty" yaml:"pin,omitempty"`     // counts in canary alone
	Rewrite       *Rewrite `json:"rewrite,omitempty" yaml:"rewrite,omitempty"`
	Guard         *Guard   `json:"guard,omitempty" yaml:"guard,omitempty"`
	Shadow        *Shadow  `json:"shadow,omitempty" yaml:"shadow,omitempty"`
	Gates         *Gates   `json:"gates,omitempty" yaml:"gates,omitempty"`
	Plan          *Plan    `json:"plan,omitempty" yaml:"plan,omitempty"`
	Notify        []string `json:"notify,omitempty" yaml:"notify,omitempty"` // webhooks; empty: all of them
	Data          string   `json:"data,omitempty" yaml:"data,omitempty"`     // "" or shared, synced, separate: where writes go
}

// Match says which requests a route wants.
type Match struct {
	Host    string      `json:"host,omitempty" yaml:"host,omitempty"`
	Path    string      `json:"path,omitempty" yaml:"path,omitempty"`
	Prefix  string      `json:"prefix,omitempty" yaml:"prefix,omitempty"`
	Methods []string    `json:"methods,omitempty" yaml:"methods,omitempty"`
	Headers []Condition `json:"headers,omitempty" yaml:"headers,omitempty"`
	Query   []Condition `json:"query,omitempty" yaml:"query,omitempty"`
}

// Condition is one demand on a header or query parameter: {name: X-Beta}
// (present), {name: X-Beta, equals: "1"} or {name: X-Beta, matches: "[0-9]+"}.
type Condition struct {
	Name    string  `json:"name" yaml:"name"`
	Equals  *string `json:"equals,omitempty" yaml:"equals,omitempty"`
	Matches *string `json:"matches,omitempty" yaml:"matches,omitempty"`
}

// Plan is the way a route takes: steps like "shadow", "1%", "100%", and the bake time of each.
type Plan struct {
	Steps []string `json:"steps,omitempty" yaml:"steps,omitempty"`
	Bake  string   `json:"bake,omitempty" yaml:"bake,omitempty"`
}

// The values of trailing_slash.
const (
	slashStrict = "strict"
	slashEither = "either"
)

package routing

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Revision numbers the tables of one store. It grows by one with every
// committed change, of whatever route; 0 means "nothing committed yet".
type Revision int64

// Side is which of a route's two backends serves a request.
type Side uint8

// The two sides of a route.
const (
	Legacy Side = iota
	New
)

// String returns "legacy" or "new".
func (s Side) String() string {
	if s == New {
		return "new"
	}
	return "legacy"
}

// Other returns the other side.
func (s Side) Other() Side {
	if s == New {
		return Legacy
	}
	return New
}

// SideNamed returns New for "new" and Legacy for anything else: whoever lets a
// name in has checked it.
func SideNamed(name string) Side {
	if name == New.String() {
		return New
	}
	return Legacy
}

// Stage is where a route stands in its migration.
type Stage uint8

// The stages, in the order in which a migration passes them.
const (
	StageLegacy  Stage = iota // legacy serves everything
	StageShadow               // legacy serves everything; new is asked for comparison
	StageCanary               // new serves the cohorts below the weight
	StageNew                  // new serves everything; legacy can still take over
	StageRetired              // new serves everything; there is no legacy any more
)

var stageNames = [...]string{"legacy", "shadow", "canary", "new", "retired"}

// String returns the stage's name as the CLI, the API and the database write it.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "stage(" + strconv.Itoa(int(s)) + ")"
}

// Exposed reports whether new serves some of the users, and legacy can still take over.
func (s Stage) Exposed() bool { return s == StageCanary || s == StageNew }

// MarshalText makes a Stage its name in JSON and YAML.
func (s Stage) MarshalText() ([]byte, error) {
	if int(s) >= len(stageNames) {
		return nil, fmt.Errorf("unknown stage %d", uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Stage) UnmarshalText(text []byte) error {
	parsed, err := ParseStage(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// ParseStage reads a stage's name.
func ParseStage(name string) (Stage, error) {
	for i, n := range stageNames {
		if n == name {
			return Stage(i), nil
		}
	}
	return 0, fmt.Errorf("unknown stage %q: want one of %s", name, strings.Join(stageNames[:], ", "))
}

// Weight is the share of a route's cohorts that new serves, in basis points:
// 0 is none, 10000 (FullWeight) is all.
type Weight uint16

// FullWeight is 100 %.
const FullWeight Weight = 10000

// ErrWeight is wrapped by every error of ParseWeight.
var ErrWeight = errors.New("not a weight")

// ParseWeight reads a percentage with at most two decimals, with or without
// the percent sign: "25%", "0.5", "12.34%". Anything outside 0…100 % is refused.
func ParseWeight(text string) (Weight, error) {
	digits := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	whole, frac, hasFrac := strings.Cut(digits, ".")
	if hasFrac && (len(frac) == 0 || len(frac) > 2) {
		return 0, fmt.Errorf("%w: %q: write a percentage from 0%% to 100%% with at most two decimals", ErrWeight, text)
	}
	bp, err := strconv.ParseUint(whole+(frac + "00")[:2], 10, 16)
	if err != nil || whole == "" || bp > uint64(FullWeight) {
		return 0, fmt.Errorf("%w: %q: write a percentage from 0%% to 100%% with at most two decimals", ErrWeight, text)
	}
	return Weight(bp), nil
}

// String writes the weight as a percentage without needless zeros: "25%", "0.5%".
func (w Weight) String() string {
	whole, frac := w/100, w%100
	switch {
	case frac == 0:
		return fmt.Sprintf("%d%%", whole)
	case frac%10 == 0:
		return fmt.Sprintf("%d.%d%%", whole, frac/10)
	default:
		return fmt.Sprintf("%d.%02d%%", whole, frac)
	}
}

// Reason says why a request was given its side.
type Reason uint8

// The reasons. Fallback is set by the exchange, override by Override, neither by Assign.
const (
	ReasonStage    Reason = iota // the stage alone decides: legacy, shadow, new, retired
	ReasonWeight                 // canary: the cohort's point against the weight
	ReasonNoKey                  // canary: no key was present, so legacy
	ReasonCatchAll               // no route of the migration matched
	ReasonFallback               // new could not, legacy did
	ReasonPinned                 // canary: the route pins the key
	ReasonOverride               // the request bears a signed override for the route
)

var reasonNames = [...]string{"stage", "weight", "no_key", "catch_all", "fallback", "pinned", "override"}

// String returns the reason's name as logs, metrics and the API write it.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "reason(" + strconv.Itoa(int(r)) + ")"
}

// Match says which requests a route wants. Exactly one of Path and Prefix is set.
type Match struct {
	Host          string      // "" any, "shop.example" exact, "*.shop.example" one or more labels before the suffix
	Path          string      // template in gorilla/mux syntax: /orders/{id:[0-9]+}
	Prefix        string      // template as well; ends on a segment boundary
	Methods       []string    // empty: any
	Headers       []Condition // all must hold
	Query         []Condition // all must hold
	TrailingSlash bool        // true: /orders and /orders/ are alike
}

// ConditionOp is how a Condition looks at a value.
type ConditionOp uint8

// The condition operators.
const (
	Present ConditionOp = iota // the name occurs, with any value
	Equals                     // one of its values is exactly Value
	Matches                    // one of its values matches the regular expression Value, anchored at both ends
)

// Condition is one demand on a header or a query parameter.
type Condition struct {
	Name  string
	Op    ConditionOp
	Value string
}

// KeyKind is where a cohort key comes from.
type KeyKind uint8

// The kinds of cohort keys.
const (
	KeyHeader        KeyKind = iota // the header Name
	KeyCookie                       // the cookie Name
	KeyClaim                        // claim Name of the bearer JWT in Authorization; unverified, for hashing only
	KeyClientAddress                // the client's network: /24 for IPv4, /56 for IPv6
	KeyMint                         // the cookie strangler_cohort, handed out when absent
)

// Key is one source of a cohort key; a group tries its keys in order.
type Key struct {
	Kind KeyKind
	Name string // header, cookie or claim; empty for the other kinds
}

// CohortCookie is the cookie that KeyMint reads and hands out.
const CohortCookie = "strangler_cohort"

// Group is a cohort group: routes that share keys and salt move the same users.
type Group struct {
	Name string
	Salt string
	Keys []Key // empty: mint alone
}

// Pin keeps one cohort key on one side while its route is in canary, whatever
// the weight. Key is compared with the value of the key that is read, of
// whatever kind; for client_address that is the network: 203.0.113.0/24.
type Pin struct {
	Key  string
	Side Side
}

// Definition is one route as Compile takes it: what it matches and where it stands.
type Definition struct {
	Name     string
	Match    Match
	Priority int    // higher wins before anything else is looked at
	Legacy   string // backend name; may be empty only when Stage is StageRetired
	New      string // backend name; empty: the route has only its legacy side
	Group    Group
	Pins     []Pin
	Assigned Assigned
}

// Assigned is the part of a route that the verbs move.
type Assigned struct {
	Stage      Stage
	Weight     Weight
	RolledBack bool // overrides and pins are suspended
}

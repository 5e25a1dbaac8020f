package routing

// Explanation tells how one request is routed, and which routes came close.
type Explanation struct {
	Assignment Assignment // Route is nil when nothing matches
	Close      []NearMiss // closest first, at most 5
}

// NearMiss is a route that could have been expected to win, and why it did not.
type NearMiss struct {
	Route  *Route
	Why    Miss
	Detail string // for people: what the route wants and what the request has
}

// Miss says at which point a route let a request go.
type Miss string

// The misses, from the nearest to the farthest.
const (
	MissOutranked Miss = "outranked" // it matches, and another route has precedence
	MissQuery     Miss = "query"     // a query condition does not hold
	MissHeader    Miss = "header"    // a header condition does not hold
	MissMethod    Miss = "method"    // not one of its methods
	MissHost      Miss = "host"      // the path fits, the host does not
	MissPath      Miss = "path"      // the path begins alike and then differs
)

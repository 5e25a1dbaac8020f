package routing

// Assignment is the decision for one request. It is a value: two requests
// never share one.
type Assignment struct {
	Route    *Route // nil only in the zero Assignment
	Revision Revision
	Side     Side
	Reason   Reason
	Stage    Stage
	Weight   Weight
	Point    int16   // the cohort's point, 0…9999; −1: no key was used
	Key      KeyKind // where the key came from; means something only when Keyed
	Keyed    bool    // a key was present and decided the side
	Identity uint64  // where Keyed: of the key, see Route.Identity
	Mint     bool    // canary, no key present, the chain ends in mint: the answer may hand a cookie out

	// KeyChanged: the request carries a weaker key of the chain as well, by which
	// it would be on the other side. That is how it looks when a visitor logs in
	// and changes sides by it. A claim is not looked at as a weaker key.
	KeyChanged bool
}

// Drawn reports whether nothing but the hash of its key, or the stage of its route,
// put the request on its side. Only such requests tell the sides apart: who has no
// key, is pinned, tests by an override or fell back may fail more often than others
// for that very reason. Where there is but one side, nothing is drawn.
func (a *Assignment) Drawn() bool {
	switch a.Reason {
	case ReasonWeight:
		return true
	case ReasonStage:
		return a.Stage < StageRetired && a.Route.Definition.New != ""
	default:
		return false
	}
}

package routing

import "fmt"

// sides says which backends a definition names.
type sides uint8

const (
	hasLegacy sides = 1 << iota
	hasNew
)

func sidesOf(d *Definition) sides {
	var s sides
	if d.Legacy != "" {
		s |= hasLegacy
	}
	if d.New != "" {
		s |= hasNew
	}
	return s
}

// fits reports whether a route with these sides can stand at a.
func (s sides) fits(a Assigned) bool {
	need := hasLegacy | hasNew
	switch a.Stage {
	case StageLegacy:
		need = hasLegacy
	case StageRetired:
		need = hasNew
	}
	return s&need == need && a.Stage <= StageRetired && a.Weight <= FullWeight
}

// check says why a route with these sides cannot stand at a; code is empty when it can.
func (s sides) check(a Assigned) (code InvalidCode, field, message string) {
	switch {
	case s.fits(a):
		return "", "", ""
	case a.Stage > StageRetired:
		return InvalidStage, "stage", fmt.Sprintf("the store holds %s, which this version does not know: run a version that does", a.Stage)
	case a.Weight > FullWeight:
		return InvalidStage, "weight", fmt.Sprintf("the store holds a weight of %s: a weight ends at 100%%; promote the route to set it", a.Weight)
	case s&hasLegacy == 0 && a.Stage != StageRetired:
		return InvalidLegacyMissing, "legacy", fmt.Sprintf("the route has no legacy backend, and in stage %s it needs one: name it, or retire the route first", a.Stage)
	default:
		return InvalidNewMissing, "new", fmt.Sprintf("the route has no new backend, and in stage %s it needs one: name it, or roll the route back first", a.Stage)
	}
}

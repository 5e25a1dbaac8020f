package spec

import "strconv"

// limit is a share that is written as a percentage, above 0 % and below 100 %.
type limit struct{ into *float64 }

func (l limit) set(text string) string {
	switch value, fault := percentage(text); {
	case fault != "":
		return fault
	case value <= 0 || value >= 1:
		return text + ": it must be above 0% and below 100%"
	default:
		*l.into = value
		return ""
	}
}

// String is none for the one limit that has no default: how often something may
// happen on new at all.
func (l limit) String() string {
	if *l.into == 0 {
		return "none"
	}
	return share(l).String()
}

// margin is a share from 0 % to below 100 %.
type margin struct{ into *float64 }

func (m margin) set(text string) string {
	switch value, fault := percentage(text); {
	case fault != "":
		return fault
	case value < 0 || value >= 1:
		return text + ": it must be at least 0% and below 100%"
	default:
		*m.into = value
		return ""
	}
}

func (m margin) String() string { return share(m).String() }

// minimum is how much a gate waits for.
type minimum struct{ into *uint64 }

func (m minimum) set(text string) string {
	var number int
	if fault := (count{&number, maxMinimum}).set(text); fault != "" {
		return fault
	}
	*m.into = uint64(number)
	return ""
}

func (m minimum) String() string { return strconv.FormatUint(*m.into, 10) }

// onFail is what a failure of a gate does: it holds the route, or rolls it back.
type onFail struct{ hold *bool }

// The values of on_fail.
const (
	onFailRollback = "rollback"
	onFailHold     = "hold"
)

func (o onFail) set(text string) string {
	switch text {
	case onFailRollback:
		*o.hold = false
	case onFailHold:
		*o.hold = true
	default:
		return strconv.Quote(text) + ": write rollback or hold"
	}
	return ""
}

func (o onFail) String() string {
	if *o.hold {
		return onFailHold
	}
	return onFailRollback
}

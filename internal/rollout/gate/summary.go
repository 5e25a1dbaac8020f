package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// Summary is what all gates say together, in one line: the first that fails with what
// was found, and of these one that does harm before one that holds; else the first that waits with what is missing; else that all pass.
func Summary(findings []Finding) string {
	if len(findings) == 0 {
		return "no gate was asked"
	}
	if failed := with(findings, sequential.Fail); len(failed) > 0 {
		first := max(0, slices.IndexFunc(failed, func(f *Finding) bool { return f.RollsBack }))
		return failed[first].Because() + others(len(failed)-1, "fails", "fail")
	}
	if waiting := with(findings, sequential.Insufficient); len(waiting) > 0 {
		return fmt.Sprintf("%s: %s", waiting[0].Gate, waiting[0].Missing) + others(len(waiting)-1, "waits", "wait")
	}
	return "all gates pass"
}

// Reason is why a route is rolled back, in one line: each gate that demands it
// with what was found. It is empty when none does.
func Reason(findings []Finding) string {
	var told []string
	for i := range findings {
		if findings[i].RollsBack {
			told = append(told, findings[i].Because())
		}
	}
	return strings.Join(told, "; ")
}

// Because names the gate and says what was found, and when it will be otherwise if that
// is known: "window: closed, opens Mon 9:00 Europe/Berlin, in 3 d".
func (f *Finding) Because() string {
	text := fmt.Sprintf("%s: %s", f.Gate, f.Text)
	if f.Gate == NameWindow && f.Missing != "" {
		text += ", " + f.Missing
	}
	return text
}

func with(findings []Finding, verdict sequential.Verdict) []*Finding {
	var found []*Finding
	for i := range findings {
		if findings[i].Verdict == verdict {
			found = append(found, &findings[i])
		}
	}
	return found
}

func others(more int, one, many string) string {
	switch more {
	case 0:
		return ""
	case 1:
		return " (1 more " + one + ")"
	default:
		return fmt.Sprintf(" (%d more %s)", more, many)
	}
}

package gate

import (
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// moment is how a time is told to people, with the zone that it is a time of.
const moment = "Mon 2 Jan 15:04 MST"

// window fails outside the hours in which changes are allowed: to make one then is
// a decision, and has to be given a reason.
func window(w *Window, now time.Time) Finding {
	f := Finding{Gate: NameWindow, Verdict: sequential.Pass, Text: "changes are allowed at any time"}
	if w == nil {
		return f
	}
	if w.Zone == nil {
		f.Verdict, f.Text, f.Missing = sequential.Fail, "this router cannot read the window", "needs a zone, days and hours that its version knows"
		return f
	}
	if w.Open(now) {
		f.Text = "open"
		if closes := w.Closes(now); !closes.IsZero() {
			f.Text += fmt.Sprintf(" until %s, for %s", at(closes, w.Zone), spoken.Wait(closes.Sub(now)))
		}
		return f
	}
	f.Verdict, f.Text = sequential.Fail, "closed"
	opens := w.Opens(now)
	if opens.IsZero() {
		f.Missing = "it never opens"
		return f
	}
	f.Wait = opens.Sub(now)
	f.Missing = fmt.Sprintf("opens %s, in %s", at(opens, w.Zone), spoken.Wait(f.Wait))
	return f
}

// at writes a moment of the next week by the clocks of a zone: "Mon 9:00 Europe/Berlin".
func at(t time.Time, zone *time.Location) string {
	local := t.In(zone)
	return fmt.Sprintf("%s %d:%02d %s", local.Format("Mon"), local.Hour(), local.Minute(), zone)
}

func freeze(frozen *Frozen) Finding {
	if frozen == nil {
		return Finding{Gate: NameFreeze, Verdict: sequential.Pass, Text: "changes are not frozen"}
	}
	text := "frozen"
	if !frozen.At.IsZero() {
		text += " since " + frozen.At.UTC().Format(moment)
	}
	if frozen.By != "" {
		text += " by " + line(frozen.By)
	}
	if frozen.Reason != "" {
		text += ": " + line(frozen.Reason)
	}
	return Finding{Gate: NameFreeze, Verdict: sequential.Fail, Text: text, Missing: "needs somebody to run: stranglerctl unfreeze"}
}

package shadow

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// ReplayVerdict says what has become of an exemplar.
type ReplayVerdict string

// The verdicts of a replay.
const (
	ReplayFixed         ReplayVerdict = "fixed"          // the two sides answer alike
	ReplayPersists      ReplayVerdict = "persists"       // they differ in the same way
	ReplayLegacyChanged ReplayVerdict = "legacy_changed" // they do not, but legacy does not say what it said then
	ReplayDifferent     ReplayVerdict = "different"      // they differ in another way
	ReplayUnanswered    ReplayVerdict = "unanswered"     // a side gave no answer, or none that can be compared
)

// Replay is an exemplar whose request was sent to both sides once more.
type Replay struct {
	Exemplar Exemplar
	Now      compare.Result
	Legacy   compare.Answer      // that legacy gives now
	Given    map[string][]string // header fields that were sent in place of the exemplar's, by canonical name
	Withheld [2]bool             // by routing.Side: credentials were not sent there
	Noise    map[string]bool     // ids of signatures that are noise: they neither persist nor count as another way
	Asked    string              // id of the only signature that is asked about; empty: all of the exemplar's
	Redactor Redactor            // as the exemplar was redacted
}

// Replayed is what came of a replay.
type Replayed struct {
	Verdict ReplayVerdict
	Now     []compare.Difference // redacted
	More    int                  // beyond Now
	Noise   []string             // ids of the signatures of Now that are noise, sorted
	Unseen  []string             // what the verdict does not rest on, for people
}

// Judge says what has become of the exemplar.
func (r Replay) Judge() Replayed {
	result := Replayed{More: r.Now.More, Unseen: r.hidden()}
	for _, d := range r.Now.Differences {
		result.Now = append(result.Now, r.Redactor.Difference(d))
	}
	now := lookAt(r.Exemplar.Route, &r.Now, r.Redactor)
	for _, id := range slices.Sorted(maps.Keys(now.found)) {
		if r.Noise[id] {
			result.Noise = append(result.Noise, id)
		}
	}
	r.Noise = r.aside()
	switch {
	case r.Now.Outcome == compare.Skipped:
		result.Unseen = append(result.Unseen, "the answers of now: they could not be compared ("+r.Now.Reason+")")
		result.Verdict = ReplayUnanswered
	case r.persists(&now):
		result.Verdict = ReplayPersists
	case failed(&now):
		result.Verdict = ReplayUnanswered
	case r.legacyChanged(&result):
		result.Verdict = ReplayLegacyChanged
	case r.differs(&now):
		result.Verdict = ReplayDifferent
	default:
		result.Verdict = ReplayFixed
	}
	return result
}

// aside returns the ids of the signatures that the verdict does not rest on:
// noise, and, where one is asked about, what the exemplar shows besides. Bugs are
// mended one by one, and the first must not be called persistent for the second.
func (r *Replay) aside() map[string]bool {
	if r.Asked == "" {
		return r.Noise
	}
	aside := make(map[string]bool, len(r.Noise)+len(r.Exemplar.Differences))
	maps.Copy(aside, r.Noise)
	for i := range r.Exemplar.Differences {
		aside[signatureID(r.Exemplar.Route, &r.Exemplar.Differences[i])] = true
	}
	delete(aside, r.Asked)
	return aside
}

// hidden says what of the request could not be sent as it was.
func (r *Replay) hidden() []string {
	var unseen []string
	if isHidden(r.Exemplar.Request.Target) {
		unseen = append(unseen, "a value in the request's path or query: it is hidden, and was sent so")
	}
	for name, values := range r.Exemplar.Request.Header {
		if _, given := r.Given[name]; !given && slices.ContainsFunc(values, isHidden) {
			unseen = append(unseen, fmt.Sprintf("the request's %s: its value is hidden; give it with -H", name))
		}
	}
	if isHidden(string(r.Exemplar.Request.Body)) {
		unseen = append(unseen, "a value in the request's body: it is hidden, and was sent so")
	}
	for side, withheld := range r.Withheld {
		if withheld {
			unseen = append(unseen, fmt.Sprintf("what %s says with credentials: it is of another trust, and Authorization and Cookie are not sent there", routing.Side(side)))
		}
	}
	slices.Sort(unseen)
	return unseen
}

func (r *Replay) persists(now *look) bool {
	for i := range r.Exemplar.Differences {
		id := signatureID(r.Exemplar.Route, &r.Exemplar.Differences[i])
		if _, found := now.found[id]; found && !r.Noise[id] {
			return true
		}
	}
	return false
}

func failed(now *look) bool {
	for _, s := range now.found {
		if s.Kind == compare.KindAnswer {
			return true
		}
	}
	return false
}

// differs reports whether there is something new.
func (r *Replay) differs(now *look) bool {
	for id := range now.found {
		if !r.Noise[id] {
			return true
		}
	}
	return !now.whole
}

// legacyChanged reports whether legacy has something else than it had where the
// exemplar differs. A difference of types is gone only when legacy still has the
// type; of a value, when it still has the value.
func (r *Replay) legacyChanged(result *Replayed) bool {
	if then := r.Exemplar.Legacy.Status; then != 0 && r.Legacy.Status != then {
		return true
	}
	for i := range r.Exemplar.Differences {
		d := &r.Exemplar.Differences[i]
		if r.Noise[signatureID(r.Exemplar.Route, d)] || d.Kind == compare.KindStatus || d.Kind == compare.KindAnswer {
			continue
		}
		ofValues := d.Kind == compare.KindValue || d.Kind == compare.KindHeader
		switch value, known := compare.Lookup(r.Legacy, d.Where); {
		case !known:
			result.Unseen = append(result.Unseen, "what legacy has at "+strconv.Quote(d.Where)+" now")
		case value.Type != d.Legacy.Type, ofValues && r.redact(d, value) != d.Legacy.Text:
			return true
		}
	}
	return false
}

// redact returns a value as the exemplar would have it at that place.
func (r *Replay) redact(d *compare.Difference, v compare.Value) string {
	fresh := *d
	fresh.Legacy = v
	return r.Redactor.Difference(fresh).Legacy.Text
}

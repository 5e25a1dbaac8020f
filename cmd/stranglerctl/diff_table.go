package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func (d *diffReader) print(now differing) error {
	view := view{raw: now.raw, people: func(wide bool) error { return d.printTable(now, wide) }}
	for _, r := range now.routes {
		for _, f := range d.seen(r.Differences) {
			view.names = append(view.names, f.Signature)
		}
	}
	return d.show(view)
}

func (d *diffReader) printTable(now differing, wide bool) error {
	for _, r := range now.routes {
		d.printSummary(r, wide)
	}
	t := d.table(now.routes)
	if len(t.Rows) > 0 {
		if err := d.showTable(t, len(t.Heading)-3, wide); err != nil {
			return err
		}
	}
	for line := range strings.Lines(now.empty) {
		d.note.Linef("%s", strings.TrimSuffix(line, "\n"))
	}
	d.hintDifferences(now.routes)
	return nil
}

// printSummary prints what the table is taken from, in one line.
func (d *diffReader) printSummary(r wire.RouteDifferences, wide bool) {
	text := fmt.Sprintf("%d compared, %s, %d noise, %s", r.Compared, mismatchText(r.Mismatched, r.Compared), r.Noise, skippedText(r.Skipped))
	if d.route == "" {
		d.out.Linef("%s  %s", d.out.Paint(term.Strong, r.Route), text)
	} else {
		d.out.Linef("%s", text)
	}
	if r.Overflow > 0 {
		d.out.Linef("%s %s: of the mismatched ones %d have differences that are in no line below: no more than 500 signatures are kept",
			d.out.Paint(term.Notice, markWarn), r.Route, r.Overflow)
	}
	if wide && r.Epoch != nil {
		d.note.Linef("%s: epoch %s", r.Route, epochText(*r.Epoch, term.Ago(d.now().Sub(r.Epoch.Began))))
	}
	if r.Outdated && d.epoch == "" {
		d.out.Linef("%s %s: its rules have changed since, and by those it has now nothing was compared yet", d.out.Paint(term.Notice, markWarn), r.Route)
	}
	if earlier := earlierEpoch(r); earlier != "" && d.epoch == "" && (wide || d.route != "") {
		d.note.Linef("found since %s; what was found before is kept: --epoch %s", term.Ago(d.now().Sub(r.Epoch.Began)), earlier)
	}
}

// earlierEpoch is the id of the newest epoch besides the one that is shown; empty:
// there is no other.
func earlierEpoch(r wire.RouteDifferences) string {
	for _, e := range r.Epochs {
		if r.Epoch != nil && e.ID != r.Epoch.ID {
			return e.ID
		}
	}
	return ""
}

// epochText says what evidence belongs to.
func epochText(e wire.EvidenceEpoch, began string) string {
	build := "new does not name its build"
	if e.Build != "" {
		build = "new is build " + e.Build
	}
	return fmt.Sprintf("%s, %s, rules %s, began %s", e.ID, build, e.Rules, began)
}

// mismatchText says like "11 mismatched (0.06%)".
func mismatchText(mismatched, compared int64) string {
	text := fmt.Sprintf("%d mismatched", mismatched)
	if mismatched == 0 || compared == 0 {
		return text
	}
	if share := 100 * float64(mismatched) / float64(compared); share >= 0.01 {
		return fmt.Sprintf("%s (%.2f%%)", text, share)
	}
	return text + " (<0.01%)"
}

// skippedText says like "96 skipped (too_large 90, dropped 6)".
func skippedText(skipped map[string]int64) string {
	total := int64(0)
	var parts []string
	for _, reason := range mostFrequent(skipped) {
		total += skipped[reason]
		parts = append(parts, fmt.Sprintf("%s %d", reason, skipped[reason]))
	}
	text := fmt.Sprintf("%d skipped", total)
	if total == 0 {
		return text
	}
	return text + " (" + strings.Join(parts, ", ") + ")"
}

// mostFrequent is the reasons that were met, the most frequent first.
func mostFrequent(skipped map[string]int64) []string {
	reasons := slices.Sorted(maps.Keys(skipped))
	reasons = slices.DeleteFunc(reasons, func(r string) bool { return skipped[r] == 0 })
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(skipped[b], skipped[a]) })
	return reasons
}

// table has a line for each difference. Its last three columns are those of -o
// wide; a column for the route and one for labels are there when they say something.
func (d *diffReader) table(routes []wire.RouteDifferences) *term.Table {
	labelled, width := false, len("COUNT")
	for _, r := range routes {
		for _, f := range d.seen(r.Differences) {
			labelled = labelled || label(f) != ""
			width = max(width, len(strconv.FormatInt(f.Count, 10)))
		}
	}
	t := &term.Table{Heading: []string{"COUNT", "WHERE", "KIND", "LEGACY", "NEW", "EXEMPLARS"}, Spare: []string{"EXEMPLARS", "LABEL", "KIND"}}
	if d.route == "" {
		t.Heading = append([]string{"ROUTE"}, t.Heading...)
	}
	if labelled {
		t.Heading = append(t.Heading, "LABEL")
	}
	t.Heading = append(t.Heading, "SIGNATURE", "NEWEST", "PAIRS")
	for _, r := range routes {
		for _, f := range d.seen(r.Differences) {
			row := term.Cells(fmt.Sprintf("%*d", width, f.Count), f.Where, string(f.Kind), brief(f.Legacy), brief(f.New), exemplarsText(f))
			if d.route == "" {
				row = append(term.Cells(r.Route), row...)
			}
			if labelled {
				row = append(row, term.Cell{Text: label(f)})
			}
			t.Add(coloured(append(row, term.Cells(f.Signature, newest(f), pairsText(f.Pairs))...), f.Noise)...)
		}
	}
	return t
}

// coloured is row, faint where it is about noise.
func coloured(row []term.Cell, noise bool) []term.Cell {
	for i := range row {
		if noise {
			row[i].Colour = term.Faint
		}
	}
	return row
}

func exemplarsText(f wire.FoundDifference) string {
	return fmt.Sprintf("%d of %d", len(f.Exemplars), f.Count)
}

func newest(f wire.FoundDifference) string {
	if len(f.Exemplars) == 0 {
		return ""
	}
	return f.Exemplars[0]
}

// pairsText says where the difference was when legacy was asked twice: against
// new alone, against itself alone, against both.
func pairsText(p wire.NoisePairs) string {
	if p.New+p.Legacy+p.Both == 0 {
		return ""
	}
	return fmt.Sprintf("new %d, legacy %d, both %d", p.New, p.Legacy, p.Both)
}

// label is what is known of a difference besides how often it was found.
func label(f wire.FoundDifference) string {
	var labels []string
	switch pairs := f.Pairs.New + f.Pairs.Legacy + f.Pairs.Both; {
	case f.Verdict == wire.NoiseVerdictNoise:
		labels = append(labels, "noise")
	case f.Verdict == wire.NoiseVerdictUndecided && pairs > 0:
		labels = append(labels, fmt.Sprintf("undecided, %s so far", counted(int(pairs), "pair")))
	}
	switch {
	case f.Confirmed > 0 && f.Transient > 0:
		labels = append(labels, fmt.Sprintf("confirmed %d of %d", f.Confirmed, f.Confirmed+f.Transient))
	case f.Confirmed > 0:
		labels = append(labels, "confirmed")
	case f.Transient > 0:
		labels = append(labels, "transient")
	}
	return strings.Join(labels, ", ")
}

// briefly is how many characters of a value a table shows.
const briefly = 40

// brief is a value in one short line.
func brief(value string) string {
	if runes := []rune(value); len(runes) > briefly {
		return string(runes[:briefly-1]) + "…"
	}
	return value
}

// hintDifferences says how to look closer at the most frequent difference, and
// how to silence the first that a rule can.
func (d *diffReader) hintDifferences(routes []wire.RouteDifferences) {
	var silence, look string
	noise := int64(0)
	for _, r := range routes {
		noise += r.Noise
		for _, f := range r.Differences {
			if f.Noise {
				continue
			}
			if rule := silencing(f); rule != "" && silence == "" {
				silence = fmt.Sprintf("silence: stranglerctl rule add %s %s --reason …", term.ShellWord(r.Route), rule)
			}
			if id := newest(f); id != "" && look == "" {
				look = "look: stranglerctl diff show " + term.ShellWord(id)
			}
		}
	}
	for _, hint := range [...]string{silence, look} {
		if hint != "" {
			d.note.Linef("%s", hint)
		}
	}
	if silence+look == "" && noise > 0 && !d.noise {
		d.note.Linef("nothing differs but what legacy has against itself as well: --noise shows it")
	}
}

// silencing is the flags of the rule that would keep a difference away, and
// nothing else; empty where there is no such rule.
func silencing(f wire.FoundDifference) string {
	switch {
	case f.Kind == wire.DifferenceKindOrder:
		return "--unordered " + term.ShellWord(f.Where)
	case f.Where == "line":
		return "--replace body --pattern …"
	case strings.HasPrefix(f.Where, "$") && f.Where != "$", strings.HasPrefix(f.Where, "header "):
		return "--ignore " + term.ShellWord(f.Where)
	}
	return ""
}

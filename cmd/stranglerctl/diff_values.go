package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// showDifferent prints each place where two answers differ: what legacy has
// after a -, what new has after a +. What is noise is faint.
func (c *cli) showDifferent(differences []wire.Difference, isNoise func(signature string) bool) {
	for _, d := range differences {
		kind, bad, good := kindText(d), term.Bad, term.Good
		if isNoise(d.Signature) {
			kind, bad, good = kind+", noise", term.Faint, term.Faint
		}
		c.out.Linef("")
		c.out.Linef("%s  %s", c.out.Paint(term.Strong, d.Where), kind)
		c.showValue("-", bad, d.Legacy)
		c.showValue("+", good, d.New)
	}
}

// showMore says how many differences there were besides.
func (c *cli) showMore(more int) {
	if more > 0 {
		c.out.Linef("")
		c.out.Linef("and %s", counted(more, "more difference"))
	}
}

// kindText says in what way two values differ: "type, string → number".
func kindText(d wire.Difference) string {
	switch d.Kind {
	case wire.DifferenceKindType:
		return "type, " + d.Legacy.Type + " → " + d.New.Type
	case wire.DifferenceKindMissing:
		return "missing in new"
	case wire.DifferenceKindExtra:
		return "only in new"
	case wire.DifferenceKindOrder:
		return "order, by places in legacy"
	case wire.DifferenceKindRepeat:
		return "the key is there twice on one side"
	}
	return string(d.Kind)
}

func (c *cli) showValue(mark string, colour term.Colour, v wire.DifferentValue) {
	if v.Type == "" && v.Text == "" {
		c.out.Linef("%s", c.out.Paint(term.Faint, mark+" (nothing)"))
		return
	}
	for line := range strings.SplitSeq(spread(v), "\n") {
		c.out.Linef("%s", c.out.Paint(colour, mark+" "+line))
	}
}

// spread is a value over several lines, where it is an object or an array. One
// that was cut is no JSON any more, and stays as it is. Line breaks that are
// part of any other value are for Paint to write out.
func spread(v wire.DifferentValue) string {
	if v.Type != "object" && v.Type != "array" {
		return strings.ReplaceAll(v.Text, "\n", `\n`)
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(v.Text), "", "  ") != nil {
		return strings.ReplaceAll(v.Text, "\n", `\n`)
	}
	return b.String()
}

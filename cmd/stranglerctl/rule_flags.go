package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

// ruleFlags are the flags that say what a rule does.
type ruleFlags struct {
	flags   *pflag.FlagSet
	targets map[wire.RuleKind]*string

	by, within, pattern, with string
}

func (r *ruleFlags) register(cmd *cobra.Command) {
	r.flags = cmd.Flags()
	r.targets = make(map[wire.RuleKind]*string)
	for _, kind := range [...]struct {
		kind  wire.RuleKind
		usage string
	}{
		{wire.RuleKindIgnore, "do not compare this place, and what is below it"},
		{wire.RuleKindUnordered, "the order of this array means nothing"},
		{wire.RuleKindTolerance, "this number may differ by --within"},
		{wire.RuleKindCase, "upper and lower case of this text are alike"},
		{wire.RuleKindReplace, "--pattern is replaced by --with on both sides of this text first"},
	} {
		r.targets[kind.kind] = r.flags.String(string(kind.kind), "", kind.usage)
	}
	r.flags.StringVar(&r.by, "by", "", "with --unordered: the field that tells elements apart")
	r.flags.StringVar(&r.within, "within", "", "with --tolerance: such as 0.01, or 1% of the larger number")
	r.flags.StringVar(&r.pattern, "pattern", "", "with --replace: a regular expression")
	r.flags.StringVar(&r.with, "with", "", "with --replace: what takes its place; $1 is its first group")
}

// kinds lists them in the order of the help text.
func (r *ruleFlags) kinds() []wire.RuleKind {
	return []wire.RuleKind{wire.RuleKindIgnore, wire.RuleKindUnordered, wire.RuleKindTolerance, wire.RuleKindCase, wire.RuleKindReplace}
}

// request is the rule that the flags say. What else is wrong with it is for
// the router to say.
func (r *ruleFlags) request() (wire.RuleRequest, error) {
	request := wire.RuleRequest{By: r.by, Within: r.within, Pattern: r.pattern, With: r.with}
	for _, kind := range r.kinds() {
		if !r.flags.Changed(string(kind)) {
			continue
		}
		if request.Kind != "" {
			return request, usagef("a rule does one thing: give --%s or --%s, and add two rules for both", request.Kind, kind)
		}
		request.Kind, request.Target = kind, *r.targets[kind]
	}
	if request.Kind == "" {
		return request, usagef("a rule wants something to do: add --ignore, --unordered, --tolerance, --case or --replace with a target, such as --ignore '$.generated_at'")
	}
	for _, need := range [...]struct {
		flag string
		of   wire.RuleKind
		must bool
	}{{"by", wire.RuleKindUnordered, false}, {"within", wire.RuleKindTolerance, true}, {"pattern", wire.RuleKindReplace, true}, {"with", wire.RuleKindReplace, false}} {
		switch given := r.flags.Changed(need.flag); {
		case given && request.Kind != need.of:
			return request, usagef("--%s belongs to --%s: leave it away, or change --%s", need.flag, need.of, request.Kind)
		case !given && need.must && request.Kind == need.of:
			return request, usagef("--%s wants --%s", need.of, need.flag)
		}
	}
	return request, nil
}

// expiry reads --expires: a date or a time as the router takes it, or how long
// from now, such as 30d.
func expiry(text string, now time.Time) (string, error) {
	span, err := parseSpan(text)
	switch {
	case err == nil && span <= 0:
		return "", usagef("--expires %s: want a time to come, such as 30d or 2027-01-31", text)
	case err == nil && strings.HasSuffix(text, "d"):
		return now.Add(span).UTC().Format(time.DateOnly), nil
	case err == nil:
		return now.Add(span).UTC().Format(time.RFC3339), nil
	}
	return text, nil
}

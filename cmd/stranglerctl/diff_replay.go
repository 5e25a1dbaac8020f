package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// errNotFixed makes `diff replay` end with 1 and without another word.
var errNotFixed = errors.New("the two sides still differ")

// replay is the command that asks both sides again.
type replay struct {
	*cli
	signature string
	headers   []string
	request   wire.ReplayRequest
}

func newDiffReplayCommand(c *cli) *cobra.Command {
	r := &replay{cli: c}
	cmd := &cobra.Command{
		Use:   "replay EXEMPLAR|--signature S",
		Short: "Ask both sides again now, and say what became of the difference",
		Long: `Replay makes the router send the request of a comparison to both sides again, and
says whether the difference is fixed, persists, or is another one by now. With
--signature it does so with every exemplar that is kept of that difference, of an
earlier build too, and judges that difference alone.

Sensitive values were never kept: give the credentials with -H. They go to both
backends, but not to one of another trust, and are kept nowhere. What could not be
judged without them is said.

Exit codes: 0 when all is fixed, 1 when anything is not.`,
		Example: `  stranglerctl diff replay 5f0c2a9be1d84f37
  stranglerctl diff replay 5f0c2a9be1d84f37 -H "Authorization: Bearer $TOKEN"
  stranglerctl diff replay --signature 9c41d07be2a6`,
		Args:              atMostOne("EXEMPLAR"),
		ValidArgsFunction: c.completeExemplar,
		PreRunE:           func(_ *cobra.Command, args []string) error { return r.check(args) },
		RunE:              func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args) },
	}
	cmd.Flags().StringVar(&r.signature, "signature", "", "every exemplar of this difference; stranglerctl diff -o wide names it")
	cmd.Flags().StringArrayVarP(&r.headers, "header", "H", nil, "a header in place of what was hidden, 'Name: value'; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("signature", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.complete(cmd, nil, c.signatures)
	})
	return cmd
}

// check demands one way of saying which, and reads the headers.
func (r *replay) check(args []string) error {
	if (len(args) == 1) == (r.signature != "") {
		return usagef("what is to be replayed? give the id of an exemplar, or --signature; stranglerctl diff -o wide names both")
	}
	headers, err := parseHeaders(r.headers)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			r.request.Headers = append(r.request.Headers, wire.HeaderField{Name: name, Value: value})
		}
	}
	return nil
}

func (r *replay) run(ctx context.Context, args []string) error {
	api, err := r.connect()
	if err != nil {
		return err
	}
	if len(args) == 1 {
		replayed, err := ask[wire.Replay](api.ReplayExemplar(ctx, args[0], r.request))
		if err != nil {
			return err
		}
		return r.finish(replayed.raw, []wire.Replay{replayed.value})
	}
	r.request.Signature = r.signature
	exemplars, err := exemplarsOf(ctx, api, r.signature)
	if err != nil {
		return err
	}
	var replays []wire.Replay
	var raw [][]byte
	for _, id := range exemplars {
		replayed, err := ask[wire.Replay](api.ReplayExemplar(ctx, id, r.request))
		if err != nil {
			return err
		}
		replays, raw = append(replays, replayed.value), append(raw, replayed.raw)
	}
	return r.finish(arrayOf(bytes.Join(raw, []byte(","))), replays)
}

// finish prints what came of it. Anything that is not fixed is a failure.
func (r *replay) finish(raw json.RawMessage, replays []wire.Replay) error {
	fixed := 0
	view := view{raw: raw, people: func(bool) error {
		for i, replayed := range replays {
			if i > 0 {
				r.out.Linef("")
			}
			r.showReplay(replayed)
		}
		return nil
	}}
	for _, replayed := range replays {
		view.names = append(view.names, string(replayed.Verdict))
		if replayed.Verdict == wire.ReplayVerdictFixed {
			fixed++
		}
	}
	if err := r.show(view); err != nil {
		return err
	}
	if len(replays) > 1 {
		r.note.Linef("%d of %d fixed", fixed, len(replays))
	}
	if fixed < len(replays) {
		return errNotFixed
	}
	return nil
}

func (r *replay) showReplay(replayed wire.Replay) {
	mark, colour, text := verdictText(replayed)
	if r.signature != "" && replayed.Verdict == wire.ReplayVerdictFixed {
		text = "fixed: the difference " + r.signature + " is gone"
	}
	r.out.Linef("%s %s  %s", r.out.Paint(colour, mark), r.out.Paint(term.Strong, replayed.Route), text)
	r.out.Linef("  exemplar %s", replayed.Exemplar)
	r.showAnswers(replayed.Legacy, replayed.New)
	for _, d := range gone(replayed) {
		r.out.Linef("  gone     %s  %s", d.Where, kindText(d))
	}
	r.showDifferent(replayed.Now, func(signature string) bool { return slices.Contains(replayed.Noise, signature) })
	r.showMore(replayed.More)
	for _, why := range replayed.Unseen {
		r.note.Linef("%s not judged: %s", r.note.Paint(term.Notice, markWarn), why)
	}
}

// gone is what the exemplar shows and the answers do not show any more.
func gone(r wire.Replay) []wire.Difference {
	if r.Verdict == wire.ReplayVerdictUnanswered || r.More > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Differences), func(then wire.Difference) bool {
		return slices.ContainsFunc(r.Now, func(now wire.Difference) bool { return now.Signature == then.Signature })
	})
}

// verdictText says in words what became of a difference.
func verdictText(r wire.Replay) (mark string, colour term.Colour, text string) {
	switch r.Verdict {
	case wire.ReplayVerdictFixed:
		return markGood, term.Good, "fixed: the two sides answer alike now"
	case wire.ReplayVerdictPersists:
		return markBad, term.Bad, "persists: the two sides differ in the same way"
	case wire.ReplayVerdictLegacyChanged:
		return markWarn, term.Notice, "legacy changed: the two sides differ, and legacy does not say what it said then"
	case wire.ReplayVerdictDifferent:
		return markBad, term.Bad, "different: the two sides differ in another way now"
	case wire.ReplayVerdictUnanswered:
		return markBad, term.Bad, "unanswered: " + unanswered(r)
	}
	return markWarn, term.Notice, string(r.Verdict)
}

func unanswered(r wire.Replay) string {
	switch {
	case r.Legacy.Status == 0 && r.New.Status == 0:
		return "neither side gave an answer"
	case r.Legacy.Status == 0:
		return "legacy gave no answer"
	case r.New.Status == 0:
		return "new gave no answer"
	}
	return "the answers cannot be compared"
}

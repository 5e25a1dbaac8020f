package gate

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// named is how many routers a text names.
const named = 3

// breaker fails while a breaker of new's lane is not closed on some router. One that is
// half open was open seconds ago, unless nobody has tried it since: then nothing is
// known of this step, and it only holds until a request has.
func breaker(in Input) Finding {
	all := in.Breakers
	if len(all) == 0 {
		return Finding{Gate: NameBreaker, Verdict: sequential.Pass, Text: "closed on every router"}
	}
	began := func(b Breaker) bool { return !in.Now.Add(-b.Age).Before(in.Since) }
	var told []string
	for _, b := range all[:min(named, len(all))] {
		text := strings.ReplaceAll(line(b.State), "_", " ") + " on " + line(b.Instance)
		if b.Reason != "" {
			text += " (" + line(strings.ReplaceAll(b.Reason, "_", " ")) + ")"
		}
		if !began(b) {
			text += ", since before this step"
		}
		told = append(told, text)
	}
	if more := len(all) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and on %d more", more))
	}
	return Finding{Gate: NameBreaker, Verdict: sequential.Fail, RollsBack: slices.ContainsFunc(all, began), Text: strings.Join(told, ", ")}
}

// longestLine is how much of what others wrote stands in a text, in characters.
const longestLine = 200

// line makes one line of what others wrote.
func line(text string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	joined := []rune(strings.Join(words, " "))
	if len(joined) > longestLine {
		return string(joined[:longestLine]) + "…"
	}
	return string(joined)
}

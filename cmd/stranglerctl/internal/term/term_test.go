package term_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

func TestSafeWritesOutWhatATerminalWouldObey(t *testing.T) {
	for text, want := range map[string]string{
		"orders-get":                  "orders-get",
		"":                            "",
		"Grüße, 世界 √":                 "Grüße, 世界 √",
		"red \x1b[31m":                `red \x1b[31m`,
		"two\r\nlines":                `two\r\nlines`,
		"bell\a tab\t nul\x00":        `bell\a tab\t nul\x00`,
		"c1 \u009b2J":                 `c1 \u009b2J`,
		"right-to-left \u202eevil":    `right-to-left \u202eevil`,
		"zero\u200bwidth":             `zero\u200bwidth`,
		"broken \xff\xfe utf8":        `broken \xff\xfe utf8`,
		"it's <img onerror=alert(1)>": "it's <img onerror=alert(1)>",
	} {
		if got := term.Safe(text); got != want {
			t.Errorf("Safe(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("a\x1b[2Jb\xff\u202e\u00a0\u3000")
	f.Fuzz(func(t *testing.T, text string) {
		safe := term.Safe(text)
		if at := strings.IndexFunc(safe, func(r rune) bool { return !unicode.IsPrint(r) }); at >= 0 {
			t.Fatalf("Safe(%q) = %q: obeyed at byte %d", text, safe, at)
		}
		if again := term.Safe(safe); again != safe {
			t.Fatalf("Safe(Safe(%q)) = %q, want %q", text, again, safe)
		}
	})
}

type stringer struct{}

func (stringer) String() string { return "\x1b[1mS" }

func TestSprintfMakesEveryKindOfTextSafe(t *testing.T) {
	got := term.Sprintf("%s|%v|%s|%d|%s\n", "a\x1bb", errors.New("e\rf"), stringer{}, 7, term.Styled("\x1b[1mbold\x1b[0m"))
	want := "a\\x1bb|e\\rf|\\x1b[1mS|7|\x1b[1mbold\x1b[0m\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShellWordQuotesOnlyWhatAShellWouldRead(t *testing.T) {
	for text, want := range map[string]string{
		"orders-get":   "orders-get",
		"":             "''",
		"two words":    "'two words'",
		"it's":         `'it'\''s'`,
		"$(rm -rf /)":  "'$(rm -rf /)'",
		"größe":        "'größe'",
		"a\nb":         `$'a\012b'`,
		"\x1b[31m'\\":  `$'\033[31m\047\134'`,
		"a\u202eb\xff": `$'a\342\200\256b\377'`,
	} {
		if got := term.ShellWord(text); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestAShellReadsWhatAWordWas(t *testing.T) {
	for _, text := range []string{
		"plain", "", "two words", "it's", "$(id) `id` $HOME !! \\", "a\nb\r\n", "\x1b]0;title\a", "'\x01' \\' \x7f0123", "\xff\xfe7", "a\u202eb 9", "%s %%",
	} {
		word := term.ShellWord(text)
		if word != term.Safe(word) {
			t.Errorf("ShellWord(%q) = %q, which a terminal may obey", text, word)
		}
		read, err := exec.CommandContext(t.Context(), "bash", "-c", "printf %s "+word).Output()
		if err != nil || string(read) != text {
			t.Errorf("a shell reads %s as %q, and it was %q; %v", word, read, text, err)
		}
	}
}

func TestColourRules(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		never bool
		want  bool
	}{
		"a pipe":                        {},
		"forced":                        {env: map[string]string{"CLICOLOR_FORCE": "1"}, want: true},
		"forced with 0":                 {env: map[string]string{"CLICOLOR_FORCE": "0"}},
		"forced on a dumb terminal":     {env: map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, want: true},
		"NO_COLOR is stronger":          {env: map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}},
		"an empty NO_COLOR says naught": {env: map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, want: true},
		"the flag is strongest":         {env: map[string]string{"CLICOLOR_FORCE": "1"}, never: true},
	} {
		t.Run(name, func(t *testing.T) {
			palette := term.NewPalette(io.Discard, func(key string) string { return c.env[key] }, c.never)
			want := term.Styled("bad\\x1b")
			if c.want {
				want = "\x1b[31mbad\\x1b\x1b[0m"
			}
			if got := palette.Paint(term.Bad, "bad\x1b"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, stream := range []any{file, strings.NewReader(""), nil} {
		if term.IsTerminal(stream) {
			t.Errorf("%T is taken for a terminal", stream)
		}
	}
}

func TestTableAlignsByCharactersAndShowsGapsAsDashes(t *testing.T) {
	table := term.Table{Heading: []string{"NAME", "HOLD", "LAST"}}
	table.Add(term.Cells("größe", "", "x")...)
	table.Add(term.Cell{Text: "a\x1b"}, term.Cell{Text: "paused", Colour: term.Notice}, term.Cell{})
	var plain, coloured strings.Builder
	if err := table.Write(&plain, term.Palette{}, 0); err != nil {
		t.Fatal(err)
	}
	want := "NAME   HOLD    LAST\n" +
		"größe  -       x\n" +
		"a\\x1b  paused  -\n"
	if plain.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", plain.String(), want)
	}
	force := func(string) string { return "1" }
	palette := term.NewPalette(&coloured, func(key string) string {
		if key == "NO_COLOR" {
			return ""
		}
		return force(key)
	}, false)
	if err := table.Write(&coloured, palette, 0); err != nil {
		t.Fatal(err)
	}
	if want := "a\\x1b  \x1b[33mpaused\x1b[0m  -\n"; !strings.HasSuffix(coloured.String(), want) {
		t.Errorf("got %q, want its end %q", coloured.String(), want)
	}
}

func TestALineBelowARowStaysWithItAndWhole(t *testing.T) {
	table := &term.Table{Heading: []string{"REVISION", "WHAT", "CAUSE"}}
	table.Add(term.Cells("7", "rollback orders", "autopilot")...)
	table.Below(term.Cell{Text: "errors: 32% of 410 key-minutes\x1b", Colour: term.Bad})
	table.Add(term.Cells("6", "promote orders", "operator")...)
	var got strings.Builder
	if err := table.First(2).Write(&got, term.Palette{}, 20); err != nil {
		t.Fatal(err)
	}
	want := "REVISION  WHAT\n" +
		"7         rollback …\n" +
		"    errors: 32% of 410 key-minutes\\x1b\n" +
		"6         promote o…\n"
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

// A sentence is never cut: it goes below its row, and is broken between words.
func TestSentencesAreUnfoldedWhereTheyDoNotFit(t *testing.T) {
	table := &term.Table{Heading: []string{"GATE", "VERDICT", "FOUND", "MISSING"}}
	table.Add(term.Cells("bake", "pass", "watched for 10m", "")...)
	table.Add(term.Cells("errors", "insufficient", "0% of 15 key-minutes", "85 more key-minutes")...)
	for width, want := range map[int]string{
		0: "GATE    VERDICT       FOUND                 MISSING\n" +
			"bake    pass          watched for 10m       -\n" +
			"errors  insufficient  0% of 15 key-minutes  85 more key-minutes\n",
		50: "GATE    VERDICT       FOUND\n" +
			"bake    pass          watched for 10m\n" +
			"errors  insufficient  0% of 15 key-minutes\n" +
			"    85 more key-minutes\n",
		40: "GATE    VERDICT\n" +
			"bake    pass\n" +
			"    watched for 10m\n" +
			"errors  insufficient\n" +
			"    0% of 15 key-minutes; 85 more\n" +
			"    key-minutes\n",
	} {
		var got strings.Builder
		if err := table.Unfolded(width, 2).Write(&got, term.Palette{}, width); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("in %d characters:\n%s\nwant:\n%s", width, got.String(), want)
		}
	}
}

func TestTableFitsItsTerminal(t *testing.T) {
	table := term.Table{Heading: []string{"ROUTE", "STAGE", "MATCH", "CHANGED"}}
	table.Add(term.Cells("orders-get", "canary", "GET /api/v2/orders/{id:[0-9]+}/lines", "now by ana")...)
	table.Add(term.Cells("a-name-that-is-longer-than-others", "legacy", "/*", "now by ben")...)
	for width, want := range map[int]string{
		0: "ROUTE                              STAGE   MATCH                                 CHANGED\n" +
			"orders-get                         canary  GET /api/v2/orders/{id:[0-9]+}/lines  now by ana\n" +
			"a-name-that-is-longer-than-others  legacy  /*                                    now by ben\n",
		70: "ROUTE                              STAGE   MATCH            CHANGED\n" +
			"orders-get                         canary  GET /api/v2/or…  now by ana\n" +
			"a-name-that-is-longer-than-others  legacy  /*               now by ben\n",
		60: "ROUTE                         STAGE   MATCH       CHANGED\n" +
			"orders-get                    canary  GET /api/…  now by ana\n" +
			"a-name-that-is-longer-than-…  legacy  /*          now by ben\n",
		1: "ROUTE                 STAGE   MATCH       CHANGED\n" +
			"orders-get            canary  GET /api/…  now by ana\n" +
			"a-name-that-is-long…  legacy  /*          now by ben\n",
	} {
		var got strings.Builder
		if err := table.Write(&got, term.Palette{}, width); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("width %d:\n%s\nwant:\n%s", width, got.String(), want)
		}
	}
}

func TestSpareColumnsGiveWay(t *testing.T) {
	table := term.Table{
		Heading: []string{"ROUTE", "STAGE", "WEIGHT", "HOLD", "STEP", "MATCH", "CHANGED"},
		Spare:   []string{"MATCH", "STEP", "CHANGED", "STAGE"},
	}
	table.Add(term.Cells("orders-get", "shadow", "0%", "rolled back: wrong totals since noon", "", "GET /api/v2/orders/{id}", "3m ago by admin-token")...)
	table.Add(term.Cells("carts", "canary", "25%", "", "4/6", "/carts/*", "2h ago by ana")...)
	for width, want := range map[int]string{
		110: "ROUTE       STAGE   WEIGHT  HOLD                                  STEP  MATCH            CHANGED\n" +
			"orders-get  shadow  0%      rolled back: wrong totals since noon  -     GET /api/v2/or…  3m ago by admin-token\n" +
			"carts       canary  25%     -                                     4/6   /carts/*         2h ago by ana\n",
		80: "ROUTE       STAGE   WEIGHT  HOLD                                  CHANGED\n" +
			"orders-get  shadow  0%      rolled back: wrong totals since noon  3m ago by adm…\n" +
			"carts       canary  25%     -                                     2h ago by ana\n",
		40: "ROUTE       WEIGHT  HOLD\n" +
			"orders-get  0%      rolled back: wrong …\n" +
			"carts       25%     -\n",
	} {
		var got strings.Builder
		if err := table.Write(&got, term.Palette{}, width); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("width %d:\n%s\nwant:\n%s", width, got.String(), want)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Minute:            "now",
		999 * time.Millisecond:  "now",
		time.Second:             "1s ago",
		59 * time.Second:        "59s ago",
		3*time.Minute + 59*1e9:  "3m ago",
		time.Hour:               "1h ago",
		47 * time.Hour:          "47h ago",
		48 * time.Hour:          "2d ago",
		400 * 24 * time.Hour:    "400d ago",
		24*time.Hour + 30*6e10:  "24h ago",
		60*time.Minute - 1*1e6:  "59m ago",
		60*time.Second - 1*1e6:  "59s ago",
		1500 * time.Millisecond: "1s ago",
	} {
		if got := term.Ago(d); got != want {
			t.Errorf("Ago(%s) = %q, want %q", d, got, want)
		}
	}
}

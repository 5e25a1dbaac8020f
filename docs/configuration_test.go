package docs_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/app"
)

// row finds the line of configuration.md whose first cell names the flag.
func row(text, flag string) string {
	for line := range strings.Lines(text) {
		cells, isRow := strings.CutPrefix(line, "| ")
		first, _, _ := strings.Cut(cells, " | ")
		if !isRow {
			continue
		}
		if strings.Contains(first, "`--"+flag+"`") || strings.Contains(first, "`--"+flag+" ") {
			return line
		}
	}
	return ""
}

func TestEveryFlagOfServeIsDocumentedWithItsDefault(t *testing.T) {
	text := read(t, "configuration.md")
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	new(app.Config).BindServe(flags)
	flags.VisitAll(func(flag *pflag.Flag) {
		line := row(text, flag.Name)
		switch {
		case line == "":
			t.Errorf("configuration.md does not mention --%s", flag.Name)
		case flag.DefValue != "" && flag.DefValue != "[]" && flag.DefValue != "false" && !strings.Contains(line, "`"+flag.DefValue+"`"):
			t.Errorf("--%s is %s by default; configuration.md says %q", flag.Name, flag.DefValue, line)
		}
	})
}

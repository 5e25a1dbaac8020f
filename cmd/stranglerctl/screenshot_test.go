package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The terminal that is drawn. Sizes are in pixels; a character is as wide as in
// most monospaced fonts of that size, and every run of one colour is put where
// its column is, whatever the font.
const (
	terminalColumns = 110
	charWidth       = 8.43
	lineHeight      = 20
	terminalMargin  = 16
)

// The classes of text, by the number that ends an escape sequence.
var classNames = map[string]string{"0": "", "1": "strong", "2": "faint", "31": "bad", "32": "good", "33": "notice"}

// GitHub's colours for code, in light and dark.
const terminalStyle = `
    text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }
    rect { fill: #f6f8fa; stroke: #d1d9e0 }
    .strong { font-weight: bold } .faint { fill: #59636e } .good { fill: #1a7f37 } .notice { fill: #9a6700 } .bad { fill: #d1242f }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } rect { fill: #151b23; stroke: #3d444d }
      .faint { fill: #9198a1 } .good { fill: #3fb950 } .notice { fill: #d29922 } .bad { fill: #f85149 }
    }
  `

// cell is one character of the terminal.
type cell struct {
	char  rune
	class string
}

var escape = regexp.MustCompile("\x1b\\[([0-9]+)m")

// plain is what a terminal without colours would show.
func plain(said string) string { return escape.ReplaceAllString(said, "") }

// repainted gives text, which is what painted says but for times and the like,
// the colours of painted.
func repainted(painted, text string) string {
	run := regexp.MustCompile("\x1b\\[[0-9]+m([^\x1b]+)\x1b\\[0m")
	var out strings.Builder
	for _, found := range run.FindAllStringSubmatch(painted, -1) {
		before, after, ok := strings.Cut(text, found[1])
		if !ok {
			continue // it was different this time, and stays without a colour
		}
		out.WriteString(before + found[0])
		text = after
	}
	return out.String() + text
}

// rowsOf lays a transcript out on the terminal, with its long lines broken.
func rowsOf(transcript string) [][]cell {
	var rows [][]cell
	for line := range strings.SplitSeq(strings.TrimSuffix(transcript, "\n"), "\n") {
		row, class := []cell{}, ""
		for line != "" {
			at := escape.FindStringSubmatchIndex(line)
			text := line
			if at != nil {
				text = line[:at[0]]
			}
			for _, char := range text {
				row = append(row, cell{char, class})
			}
			if at == nil {
				break
			}
			class, line = classNames[line[at[2]:at[3]]], line[at[1]:]
		}
		for len(row) > terminalColumns {
			rows, row = append(rows, row[:terminalColumns]), row[terminalColumns:]
		}
		rows = append(rows, row)
	}
	return rows
}

// drawn is a transcript as SVG.
func drawn(transcript, title string) string {
	rows := rowsOf(transcript)
	width, height := int(math.Ceil(terminalColumns*charWidth))+2*terminalMargin, len(rows)*lineHeight+2*terminalMargin
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" xml:space="preserve">`+"\n", width, height, width, height)
	fmt.Fprintf(&svg, "  <title>%s</title>\n  <style>%s</style>\n", html.EscapeString(title), terminalStyle)
	fmt.Fprintf(&svg, `  <rect x="0.5" y="0.5" width="%d" height="%d" rx="6"/>`+"\n", width-1, height-1)
	for i, row := range rows {
		if len(row) > 0 {
			fmt.Fprintf(&svg, `  <text y="%d">%s</text>`+"\n", terminalMargin+i*lineHeight+15, runs(row))
		}
	}
	return svg.String() + "</svg>\n"
}

// runs are the neighbours of one class, each in an element.
func runs(row []cell) string {
	var spans strings.Builder
	for from := 0; from < len(row); {
		to := from
		var text strings.Builder
		for ; to < len(row) && row[to].class == row[from].class; to++ {
			text.WriteRune(row[to].char)
		}
		class := ""
		if row[from].class != "" {
			class = fmt.Sprintf(` class=%q`, row[from].class)
		}
		fmt.Fprintf(&spans, `<tspan x="%.1f"%s>%s</tspan>`, terminalMargin+float64(from)*charWidth, class, html.EscapeString(text.String()))
		from = to
	}
	return spans.String()
}

// photograph compares a screenshot with what it should be, and writes it with
// -update.
func photograph(t *testing.T, image, transcript, title string) {
	t.Helper()
	path := filepath.Join(filepath.Dir(playbookPath), image)
	kept, err := os.ReadFile(path)
	now := drawn(transcript, title)
	if err == nil && string(kept) == now {
		return
	}
	if !*update {
		t.Errorf("%s does not show what happens (%v): -update draws it anew; it should be\n%s", path, err, now)
		return
	}
	if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
		t.Error(err)
	}
}

func TestATerminalIsDrawnWithItsColours(t *testing.T) {
	svg := drawn("$ a <b>\n\x1b[32m√\x1b[0m ok  \x1b[1mx\x1b[0m\n\n"+strings.Repeat("y", terminalColumns+1), "A & B")
	for _, want := range []string{
		`height="132"`, "<title>A &amp; B</title>", "prefers-color-scheme: dark",
		`<text y="31"><tspan x="16.0">$ a &lt;b&gt;</tspan></text>`,
		`<text y="51"><tspan x="16.0" class="good">√</tspan><tspan x="24.4"> ok  </tspan><tspan x="66.6" class="strong">x</tspan></text>`,
		`<text y="111"><tspan x="16.0">y</tspan></text>`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is not in\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "\x1b") || strings.Contains(svg, `y="71"`) {
		t.Errorf("an escape sequence or an empty line was drawn:\n%s", svg)
	}
}

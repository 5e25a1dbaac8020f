package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// The marks in front of what is well, what wants a look, and what is wrong.
const (
	markGood = "√"
	markWarn = "‼"
	markBad  = "×"
)

// view is one answer in every shape -o can ask for.
type view struct {
	raw    json.RawMessage       // the router's own JSON
	names  []string              // what -o name prints
	people func(wide bool) error // prints it for eyes, on stdout
}

// show prints v the way -o says.
func (c *cli) show(v view) error {
	switch c.global.output {
	case formatJSON:
		return c.showJSON(v.raw)
	case formatYAML:
		text, err := toYAML(v.raw)
		if err != nil {
			return fmt.Errorf("the answer cannot be written as YAML: %w", err)
		}
		_, err = c.stdout.Write(text)
		return err
	case formatName:
		for _, name := range v.names {
			c.out.Linef("%s", name)
		}
		return nil
	}
	return v.people(c.global.output == formatWide)
}

func (c *cli) showJSON(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return fmt.Errorf("the answer cannot be written as JSON: %w", err)
	}
	_, err := c.stdout.Write(append(escapeJSON(bytes.TrimRight(b.Bytes(), "\n")), '\n'))
	return err
}

// showTable prints rows under a heading. The columns from the one called more
// on are shown by -o wide only, and so is what does not fit on a terminal.
func (c *cli) showTable(t *term.Table, more int, wide bool) error {
	if wide {
		whole := c.out
		whole.Width = 0
		return whole.Table(t)
	}
	return c.out.Table(t.First(more))
}

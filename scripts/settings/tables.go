package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/app"
)

// Where a table begins and ends on the page.
const (
	endMark = "<!-- end of settings -->"
	heading = "| flag | variable | default | meaning |\n|---|---|---|---|\n"
)

// serveFlags are the flags of `strangler serve`. --config is not one of them:
// it is not a setting but where settings are.
func serveFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	new(app.Config).BindServe(flags)
	return flags
}

// tables writes every table of the page anew.
func tables(page string, flags *pflag.FlagSet, details map[string]string) (string, error) {
	missing := make(map[string]bool)
	flags.VisitAll(func(f *pflag.Flag) { missing[f.Name] = true })
	var faults []error
	mark := regexp.MustCompile(`(?s)<!-- settings: ([a-z0-9 -]+?) -->\n.*?` + endMark)
	page = mark.ReplaceAllStringFunc(page, func(table string) string {
		names := mark.FindStringSubmatch(table)[1]
		var written strings.Builder
		written.WriteString("<!-- settings: " + names + " -->\n" + heading)
		for name := range strings.FieldsSeq(names) {
			if !missing[name] {
				faults = append(faults, fmt.Errorf("--%s is no flag of serve, or is in two tables", name))
				continue
			}
			delete(missing, name)
			written.WriteString(row(flags.Lookup(name), details[name]))
		}
		return written.String() + endMark
	})
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		faults = append(faults, fmt.Errorf("--%s is in no table: add it to a line <!-- settings: … --> of the page", name))
	}
	return page, errors.Join(faults...)
}

func row(f *pflag.Flag, detail string) string {
	value, meaning := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	switch {
	case strings.HasSuffix(f.Value.Type(), "Slice"):
		name += " " + strings.ToUpper(strings.TrimSuffix(value, "s")) + ",…"
	case f.Value.Type() != "bool":
		name += " " + strings.ToUpper(value)
	}
	preset, meaning := defaultOf(f, meaning)
	if detail != "" {
		meaning += ". " + detail
	}
	return fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", name, app.EnvName(f.Name), preset, cell(meaning))
}

// defaultOf is a flag's default as the table has it. One that is worked out
// later stands in brackets at the end of the flag's text.
func defaultOf(f *pflag.Flag, meaning string) (preset, rest string) {
	if found := regexp.MustCompile(` \(default (.+)\)$`).FindStringSubmatch(meaning); found != nil {
		return cell(found[1]), strings.TrimSuffix(meaning, found[0])
	}
	switch f.DefValue {
	case "", "[]":
		return "none", meaning
	case "false":
		return "off", meaning
	default:
		return "`" + f.DefValue + "`", meaning
	}
}

// cell makes a text fit for a cell of a Markdown table, with flags as code.
func cell(text string) string {
	text = strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(text)
	return regexp.MustCompile("--[a-z][a-z-]*[a-z]").ReplaceAllString(text, "`$0`")
}

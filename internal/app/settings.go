package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
)

// Resolve fills the flags that were not given: from the environment
// (STRANGLER_LISTEN for --listen), then from the config file (key listen),
// and leaves the default otherwise. file may be empty.
func Resolve(fs *pflag.FlagSet, environ func(string) (string, bool), file string) error {
	fromFile, err := readConfigFile(fs, file)
	if err != nil {
		return err
	}
	var problems []error
	fs.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || flag.Name == "help" || flag.Name == "config" {
			return
		}
		if value, ok := environ(EnvName(flag.Name)); ok {
			problems = append(problems, set(fs, flag.Name, value, EnvName(flag.Name)))
		} else if entry, ok := fromFile[flag.Name]; ok {
			problems = append(problems, set(fs, flag.Name, entry.value, entry.where))
		}
	})
	return errors.Join(problems...)
}

// EnvName is the environment variable of a flag: --drain-delay is STRANGLER_DRAIN_DELAY.
func EnvName(flag string) string {
	return "STRANGLER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func set(fs *pflag.FlagSet, flag, value, where string) error {
	err := fs.Set(flag, value)
	if bad, is := errors.AsType[*pflag.InvalidValueError](err); is {
		return fmt.Errorf("%w: %s: %w", ErrConfig, where, BadValue(bad, "true or false"))
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConfig, where, err)
	}
	return nil
}

// BadValue says what is wrong with the value of a flag in words, not in those
// of Go's parsers. toggle is how to write a value that is on or off.
func BadValue(bad *pflag.InvalidValueError, toggle string) error {
	switch bad.GetFlag().Value.Type() {
	case "duration":
		return fmt.Errorf("%q is no duration: write it with its unit, like 90s, 30m or 48h", bad.GetValue())
	case "bool":
		return fmt.Errorf("%q is neither on nor off: write %s", bad.GetValue(), toggle)
	}
	return fmt.Errorf("%q: %w", bad.GetValue(), errors.Unwrap(bad))
}

// fileEntry is one key of the config file.
type fileEntry struct{ value, where string }

// readConfigFile reads a flat YAML mapping whose keys are the flags' names with
// underscores. A key that no flag has is refused with its line.
func readConfigFile(fs *pflag.FlagSet, file string) (map[string]fileEntry, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: the config file cannot be read (--config or STRANGLER_CONFIG names it): %w", ErrConfig, err)
	}
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		// Without the quoted lines: one of them may hold the database's password.
		return nil, fmt.Errorf("%w: %s", ErrConfig, badYAML(file, err))
	}
	entries := make(map[string]fileEntry)
	for _, document := range parsed.Docs {
		values, err := mappingOf(document.Body, file)
		if err != nil {
			return nil, err
		}
		for _, node := range values {
			key := node.Key.GetToken()
			where := fmt.Sprintf("%s:%d:%d: %s", file, key.Position.Line, key.Position.Column, key.Value)
			flag := strings.ReplaceAll(key.Value, "_", "-")
			if fs.Lookup(flag) == nil || flag == "config" {
				return nil, fmt.Errorf("%w: %s: no such setting; strangler serve --help lists them", ErrConfig, where)
			}
			value, err := scalarText(node.Value)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrConfig, where, err)
			}
			entries[flag] = fileEntry{value, where}
		}
	}
	return entries, nil
}

// badYAML says where a file is no YAML, and why.
func badYAML(file string, err error) string {
	syntax, is := errors.AsType[yaml.Error](err)
	if !is || syntax.GetToken() == nil {
		return file + ": " + strings.TrimSpace(yaml.FormatError(err, false, false))
	}
	at := syntax.GetToken().Position
	return fmt.Sprintf("%s:%d:%d: %s", file, at.Line, at.Column, syntax.GetMessage())
}

func mappingOf(body ast.Node, file string) ([]*ast.MappingValueNode, error) {
	switch node := body.(type) {
	case nil:
		return nil, nil
	case *ast.MappingNode:
		return node.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}, nil
	default:
		return nil, fmt.Errorf("%w: %s: want settings like \"listen: :8080\", one per line", ErrConfig, file)
	}
}

// scalarText is a value as a flag would take it; a list becomes one with commas.
func scalarText(node ast.Node) (string, error) {
	switch value := node.(type) {
	case *ast.SequenceNode:
		var parts []string
		for _, item := range value.Values {
			text, err := scalarText(item)
			if err != nil {
				return "", err
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ","), nil
	case ast.ScalarNode:
		return value.GetToken().Value, nil
	default:
		return "", errors.New("want a single value or a list")
	}
}

// Environ makes a look-up from an environment like os.Environ's; the last
// definition of a name counts, as for a shell.
func Environ(env []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, entry := range slices.Backward(env) {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"
)

// config is the config file: the routers a person works with.
type config struct {
	Current  string                  `yaml:"current,omitempty"` // the context in use
	Contexts map[string]savedContext `yaml:"contexts,omitempty"`

	Server string `yaml:"server,omitempty"` // where no context is in use
	Token  string `yaml:"token,omitempty"`
}

// savedContext is one router, and the token of whoever owns the file.
type savedContext struct {
	Server    string `yaml:"server"`
	Token     string `yaml:"token,omitempty"`
	Protected bool   `yaml:"protected,omitempty"` // every change is asked about
}

// named returns the context of a name, and nothing for no name.
func (f config) named(name string) (savedContext, error) {
	if name == "" {
		return savedContext{}, nil
	}
	found, ok := f.Contexts[name]
	if !ok {
		hint := "make it with stranglerctl context login " + name
		if len(f.Contexts) > 0 {
			hint = "stranglerctl context ls shows them; " + hint
		}
		return found, &failure{code: exitNotFound, err: fmt.Errorf("there is no context %q", name), hint: hint}
	}
	return found, nil
}

// standing is what the file says when nobody names a context.
func (f config) standing() savedContext {
	if f.Current == "" {
		return savedContext{Server: f.Server, Token: f.Token}
	}
	return f.Contexts[f.Current]
}

// protects names a protected context that has this server.
func (f config) protects(server string) string {
	for _, name := range f.names() {
		if saved := f.Contexts[name]; saved.Protected && sameServer(saved.Server, server) {
			return name
		}
	}
	return ""
}

func (f config) names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// configPath is where the config file is looked for; empty when the
// environment names no home.
func configPath(getenv func(string) string) string {
	dir := getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "strangler", "config.yaml")
}

// readConfig reads the config file. A missing one is empty; one that others
// may read is refused, because it may hold a token.
func readConfig(path string) (config, error) {
	if path == "" {
		return config{}, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config{}, nil
	}
	if err != nil {
		return config{}, fmt.Errorf("the config file cannot be used: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return config{}, &failure{
			code: exitFailure,
			err:  fmt.Errorf("the config file %s has mode %04o: others may read the token in it", path, mode),
			hint: "chmod 600 " + path,
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("the config file cannot be used: %w", err)
	}
	var f config
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.DisallowUnknownField()); err != nil {
		return config{}, badConfig(path, err)
	}
	return f, f.check(path)
}

// check refuses what would otherwise lead to a router nobody meant.
func (f config) check(path string) error {
	if _, ok := f.Contexts[f.Current]; !ok && f.Current != "" {
		return fmt.Errorf("%s: the current context is %q, and there is none of that name", path, f.Current)
	}
	for _, name := range f.names() {
		if f.Contexts[name].Server == "" {
			return fmt.Errorf("%s: context %q names no server", path, name)
		}
	}
	return nil
}

// badConfig tells where a config file is wrong without quoting it: the line
// may hold the token.
func badConfig(path string, err error) error {
	where := path
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		at := syntax.GetToken().Position
		where = fmt.Sprintf("%s:%d:%d", path, at.Line, at.Column)
	}
	message := "not the YAML it should be"
	if unknown, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		message = unknown.GetMessage()
	}
	return &failure{
		code: exitFailure,
		err:  fmt.Errorf("%s: %s", where, message),
		hint: "the file may hold current, and under contexts for each name server, token and protected; " +
			"or, for one router alone, server and token",
	}
}

// write replaces the config file at once, so that an interrupted run leaves
// either the old or the new one. Only its owner may read it.
func (f config) write(path string) error {
	text, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("the config file cannot be written: %w", err)
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("the config file cannot be written: %w", err)
	}
	draft, err := os.CreateTemp(folder, ".config-*.yaml") // mode 0600
	if err != nil {
		return fmt.Errorf("the config file cannot be written: %w", err)
	}
	defer func() { _ = os.Remove(draft.Name()) }() // gone already when all went well
	_, err = draft.Write(text)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("the config file cannot be written; it is as it was: %w", err)
	}
	return nil
}

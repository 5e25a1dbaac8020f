package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

const defaultServer = "http://127.0.0.1:9900"

// settings say which router is spoken to, and as whom. A flag wins over the
// environment, that over the config file, that over the default.
type settings struct {
	Server string `yaml:"server"` // base URL of the admin API
	Token  string `yaml:"token"`  // bearer token; empty: none is sent
}

func (c *cli) settings() (settings, error) {
	file, err := readConfig(configPath(c.getenv))
	if err != nil {
		return settings{}, err
	}
	s := settings{
		Server: firstOf(c.global.server, c.getenv("STRANGLER_SERVER"), file.Server, defaultServer),
		Token:  firstOf(c.global.token, c.getenv("STRANGLER_TOKEN"), file.Token),
	}
	if strings.ContainsFunc(s.Token, unicode.IsSpace) {
		return settings{}, usagef("the token holds a space or a line break: look at --token, STRANGLER_TOKEN and the config file")
	}
	return s, checkServer(s.Server)
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func checkServer(server string) error {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return usagef("server %q is not a URL of a router's admin API: write it like %s", server, defaultServer)
	}
	if u.User != nil {
		return usagef("server %q carries a user name: the router knows tokens only, see --token", u.Redacted())
	}
	return nil
}

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
func readConfig(path string) (settings, error) {
	if path == "" {
		return settings{}, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, fmt.Errorf("the config file cannot be used: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return settings{}, &failure{
			code: exitFailure,
			err:  fmt.Errorf("the config file %s has mode %04o: others may read the token in it", path, mode),
			hint: "chmod 600 " + path,
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return settings{}, fmt.Errorf("the config file cannot be used: %w", err)
	}
	var s settings
	if err := yaml.UnmarshalWithOptions(text, &s, yaml.DisallowUnknownField()); err != nil {
		return settings{}, badConfig(path, err)
	}
	return s, nil
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
		hint: "the file may hold two keys, each with a string: server and token",
	}
}

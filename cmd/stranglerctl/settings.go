package main

import (
	"net/url"
	"strings"
	"unicode"
)

const defaultServer = "http://127.0.0.1:9900"

// settings say which router is spoken to, and as whom.
type settings struct {
	Server string // base URL of the admin API
	Token  string // bearer token; empty: none is sent

	// Protected is the name of a protected context that has this server,
	// however the server was named; empty: changes are not asked about.
	Protected string
}

// settings looks each value up where the nearest word on it was said: flags
// (the one that names a context last), the environment (likewise), the context
// in use, the default. A context's token goes to its own server only.
func (c *cli) settings() (settings, error) {
	file, err := readConfig(configPath(c.getenv))
	if err != nil {
		return settings{}, err
	}
	if c.global.server != "" && c.global.context != "" {
		return settings{}, usagef("--server and --context both name a router: give one of them")
	}
	words, err := c.words(file)
	if err != nil {
		return settings{}, err
	}
	var s settings
	for _, word := range words {
		s.Server = firstOf(s.Server, word.Server)
	}
	for _, word := range words {
		if word.Token != "" && s.Token == "" && (word.Server == "" || sameServer(word.Server, s.Server)) {
			s.Token = word.Token
		}
	}
	s.Protected = file.protects(s.Server)
	if strings.ContainsFunc(s.Token, unicode.IsSpace) {
		return settings{}, usagef("the token holds a space or a line break: look at --token, STRANGLER_TOKEN and the config file")
	}
	return s, checkServer(s.Server)
}

// words lists what is said about server and token, the nearest first. A token
// that is said together with a server is for that server.
func (c *cli) words(file config) ([]savedContext, error) {
	flagged, err := file.named(c.global.context)
	if err != nil {
		return nil, err
	}
	standing := file.standing()
	if c.global.context == "" && c.getenv("STRANGLER_CONTEXT") != "" {
		if standing, err = file.named(c.getenv("STRANGLER_CONTEXT")); err != nil {
			return nil, err
		}
	}
	return []savedContext{
		{Server: c.global.server},
		{Token: c.global.token},
		flagged,
		{Server: c.getenv("STRANGLER_SERVER")},
		{Token: c.getenv("STRANGLER_TOKEN")},
		standing,
		{Server: defaultServer},
	}, nil
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

// sameServer reports whether two URLs lead to one admin API, as far as their
// spelling tells.
func sameServer(a, b string) bool { return spelled(a) == spelled(b) }

func spelled(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port + strings.TrimRight(u.Path, "/")
}

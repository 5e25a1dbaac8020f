// Command settings writes the tables of docs/configuration.md from the settings
// themselves: names, defaults and the words of --help come from the flags, and
// what there is more to say from the comments of the fields of app.Config.
//
// Where a table stands and what is in it the page says:
//
//	<!-- settings: listen tls-cert -->
//	…
//	<!-- end of settings -->
//
// A flag that is in no table is an error, so that none is forgotten.
//
// Usage: settings [-page docs/configuration.md] [-config internal/app/config.go]
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	page := flag.String("page", "docs/configuration.md", "the page to write")
	config := flag.String("config", "internal/app/config.go", "the source of app.Config")
	flag.Parse()
	if err := run(*page, *config); err != nil {
		fmt.Fprintf(os.Stderr, "settings: %v; %s was not changed\n", err, *page)
		os.Exit(1)
	}
}

func run(page, config string) error {
	source, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	details, err := comments(string(source))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	written, err := tables(string(text), serveFlags(), details)
	if err != nil || written == string(text) {
		return err
	}
	return os.WriteFile(page, []byte(written), 0o644) //nolint:gosec // a page is for everybody to read
}

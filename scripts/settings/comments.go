package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// comments returns what the fields of Config say about themselves, by flag.
// Which field a flag fills is read from the calls that declare it:
// fs.StringVar(&c.Listen, "listen", …).
func comments(source string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	byField := make(map[string]string)
	flags := make(map[string]string) // by field
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.TypeSpec:
			if fields, ok := n.Type.(*ast.StructType); ok && n.Name.Name == "Config" {
				for _, field := range fields.Fields.List {
					byField[field.Names[0].Name] = said(field)
				}
			}
		case *ast.CallExpr:
			if field, flag, ok := declared(n); ok {
				flags[field] = flag
			}
		}
		return true
	})
	byFlag := make(map[string]string)
	for field, flag := range flags {
		byFlag[flag] = byField[field]
	}
	return byFlag, nil
}

// said is the comment at the end of a field's line, or else above it.
func said(field *ast.Field) string {
	comment := field.Comment
	if comment == nil {
		comment = field.Doc
	}
	return strings.Join(strings.Fields(comment.Text()), " ")
}

// declared reads a call such as fs.StringVar(&c.Listen, "listen", …).
func declared(call *ast.CallExpr) (field, flag string, ok bool) {
	method, isMethod := call.Fun.(*ast.SelectorExpr)
	if !isMethod || !strings.HasSuffix(method.Sel.Name, "Var") || len(call.Args) < 2 {
		return "", "", false
	}
	address, isAddress := call.Args[0].(*ast.UnaryExpr)
	name, isText := call.Args[1].(*ast.BasicLit)
	if !isAddress || !isText {
		return "", "", false
	}
	into, isField := address.X.(*ast.SelectorExpr)
	if !isField {
		return "", "", false
	}
	flag, err := strconv.Unquote(name.Value)
	return into.Sel.Name, flag, err == nil
}

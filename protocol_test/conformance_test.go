package protocol_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the tests into CONFORMANCE.md that their comments name")

const (
	conformance = "CONFORMANCE.md"
	// open begins the last cell of a line that has no test yet.
	open = "open: "
	// mostNamed is how many tests a line of the table names.
	mostNamed = 4
)

var (
	conformanceRow = regexp.MustCompile(`^\| ((?:C|P|F|H-[A-Z]+)[0-9]*) \|(.*)\| ?([^|]*?) ?\|$`)
	conformanceTag = regexp.MustCompile(`\b(?:[CPF][0-9]+|H-(?:[A-Z][0-9]+|I|S))\b`)
)

// TestConformance holds the table of CONFORMANCE.md against the comments of the tests.
func TestConformance(t *testing.T) {
	named := namedTests(t)
	table, err := os.ReadFile(conformance)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(table), "\n")
	for i, line := range lines {
		m := conformanceRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		id, text, cell := m[1], m[2], m[3]
		tests := named[id]
		delete(named, id)
		if len(tests) > 0 {
			cell = links(tests)
		} else if !strings.HasPrefix(cell, open) {
			t.Errorf("no test names %s", id)
		}
		lines[i] = fmt.Sprintf("| %s |%s| %s |", id, text, cell)
	}
	for id, tests := range named {
		t.Errorf("%s names %s, which is no line of %s", tests[0].name, id, conformance)
	}
	made := strings.Join(lines, "\n")
	switch {
	case made == string(table):
	case *rewrite:
		if err := os.WriteFile(conformance, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		for i, line := range strings.Split(string(table), "\n") {
			if line != lines[i] {
				t.Errorf("%s:%d is stale (go test ./protocol_test -run TestConformance -rewrite):\n%s\nwant\n%s", conformance, i+1, line, lines[i])
			}
		}
	}
}

// namedTest is a test, or another declaration in a test file, whose comments name lines.
type namedTest struct{ file, name string }

func links(tests []namedTest) string {
	var b strings.Builder
	for i, test := range tests[:min(len(tests), mostNamed)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "[%s](../%s)", test.name, test.file)
	}
	if more := len(tests) - mostNamed; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// namedTests returns the tests of the project by the lines that their comments name, in
// the order of files and of the tests in them.
func namedTests(t *testing.T) map[string][]namedTest {
	named := map[string][]namedTest{}
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != ".." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		for _, group := range file.Comments {
			for _, comment := range group.List {
				for _, id := range conformanceTag.FindAllString(comment.Text, -1) {
					test := namedTest{filepath.ToSlash(relative), declaration(files, file, comment)}
					if !slices.Contains(named[id], test) {
						named[id] = append(named[id], test)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}

// declaration returns the name of what a comment stands in, in front of or behind on its
// line: the file's where it is none of that.
func declaration(files *token.FileSet, file *ast.File, comment *ast.Comment) string {
	at := files.Position(comment.Pos()).Line
	name := ""
	for _, d := range file.Decls {
		first, last := d.Pos(), d.End()
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil {
				first = d.Doc.Pos()
			}
			name = d.Name.Name
		case *ast.GenDecl:
			if d.Doc != nil {
				first = d.Doc.Pos()
			}
			name = ""
			if spec, ok := d.Specs[0].(*ast.ValueSpec); ok {
				name = spec.Names[0].Name
			}
		}
		if files.Position(first).Line <= at && at <= files.Position(last).Line {
			break
		}
		name = ""
	}
	return cmp.Or(name, path.Base(files.Position(file.Pos()).Filename))
}

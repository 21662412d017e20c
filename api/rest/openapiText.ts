/** What the documents say besides the routes: the introduction, the tags, the headers. */

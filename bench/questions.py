"""Questions about the documents of a public project, and the documents that answer them.

The documents are those in Django's source distribution, without its release notes; pip fetches it
into a temporary folder, and nothing of it is kept. The questions are ours, as its users ask them.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_PROJECT = "django==5.2"
_LEFT_OUT = ("docs/releases/", "docs/_theme/")

QUESTIONS = {
    "How do I write my own template filter?": "howto/custom-template-tags",
    "running a periodic job from the command line with my own manage.py command": (
        "howto/custom-management-commands"
    ),
    "What should I check before going live with my site?": "howto/deployment/checklist",
    "How can I let people download a table as a CSV file?": "howto/outputting-csv",
    "generating PDFs in a view": "howto/outputting-pdf",
    "Which settings do I need to serve a site behind gunicorn?": "howto/deployment/wsgi/gunicorn",
    "use an existing database that was made without Django": "howto/legacy-databases",
    "get e-mails when the site has errors": "howto/error-reporting",
    "How are stylesheets and pictures served in production?": "howto/static-files/deployment",
    "loading initial data into the tables": "howto/initial-data",
    "store uploaded files somewhere else than on the local disk": "howto/custom-file-storage",
    "replace the templates of another app": "howto/overriding-templates",
    "AJAX requests are refused because the CSRF token is missing": "howto/csrf",
    "log in users who were authenticated by the web server": "howto/auth-remote-user",
    "how to remove an application from a project": "howto/delete-app",
    "moving to a newer version of Django": "howto/upgrade-version",
    "defining my own type of model field": "howto/custom-model-fields",
    "making a data migration by hand": "howto/writing-migrations",
    "I forgot the admin password, and cannot log in": "faq/admin",
    "How does Django pronounce its name and who maintains it?": "faq/general",
    "caching whole pages with memcached or redis": "topics/cache",
    "how are passwords hashed and which hashers are there?": "topics/auth/passwords",
    "replace the user model by one with an e-mail address": "topics/auth/customizing",
    "require people to be logged in for a view": "topics/auth/default",
    "several databases and routing reads to a replica": "topics/db/multi-db",
    "make sure that all queries of a request are rolled back when one fails": (
        "topics/db/transactions"
    ),
    "counting and averaging related objects in a query": "topics/db/aggregation",
    "running raw SQL": "topics/db/sql",
    "making queries faster": "topics/db/optimization",
    "sending HTML mail with attachments": "topics/email",
    "several copies of one form on a page": "topics/forms/formsets",
    "forms made from models": "topics/forms/modelforms",
    "handling uploaded files in a view": "topics/http/file-uploads",
    "keep data about a visitor between requests": "topics/http/sessions",
    "write a middleware that changes each response": "topics/http/middleware",
    "translating the texts of a site into other languages": "topics/i18n/translation",
    "dates in the time zone of the user": "topics/i18n/timezones",
    "split a long list of objects over several pages": "topics/pagination",
    "dumping objects as JSON": "topics/serialization",
    "be notified when an object is saved": "topics/signals",
    "signing cookies and values so that nobody changes them": "topics/signing",
    "test client that pretends to be a browser": "topics/testing/tools",
    "protection against cross site scripting and SQL injection": "topics/security",
    "calling the ORM from async views": "topics/async",
    "composite primary keys": "topics/composite-primary-key",
    "RSS and Atom feeds": "ref/contrib/syndication",
    "tell search engines about the pages of my site": "ref/contrib/sitemaps",
    "one-time notifications shown to the user": "ref/contrib/messages",
    "forbid other sites to show my pages in a frame": "ref/clickjacking",
    "full text search with PostgreSQL": "ref/contrib/postgres/search",
    "bulk operations on selected objects in the admin": "ref/contrib/admin/actions",
    "turning numbers into words such as 1.2 million": "ref/contrib/humanize",
    "if and case expressions in queries": "ref/models/conditional-expressions",
    "which validators are there for fields?": "ref/validators",
}


def load() -> dict[str, str]:
    """The documents by their paths without an extension. Raises `CalledProcessError` where pip
    cannot fetch them.
    """
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder:
        fetch = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
        subprocess.run([*fetch, "--no-binary", ":all:", "-d", folder, _PROJECT], check=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        found = {}
        with tarfile.open(archive) as members:
            for member in members:
                path = member.name.partition("/")[2]
                wanted = path.startswith("docs/") and path.endswith(".txt")
                if (
                    wanted
                    and not path.startswith(_LEFT_OUT)
                    and (file := members.extractfile(member))
                ):
                    found[path.removeprefix("docs/").removesuffix(".txt")] = file.read().decode()
    return found

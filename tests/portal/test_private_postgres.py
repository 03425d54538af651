"""The private PostgreSQL, really made, killed and started again."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from portal.private_postgres import ROLE, Cluster, PostgresMissing, binaries, throw_away_cluster

ROOT = Path(__file__).resolve().parent.parent.parent
ENSURE = """
import sys
from pathlib import Path
from portal.private_postgres import Cluster
Cluster(Path(sys.argv[1]), Path(sys.argv[2]), {"fsync": "off"}).ensure()
"""


@pytest.fixture(scope="module")
def cluster():
    try:
        binaries()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with throw_away_cluster() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def running(cluster):
    """Each test leaves the server as it likes; the next one finds it running."""
    cluster.ensure()


def connect(cluster: Cluster) -> psycopg.Connection:
    return psycopg.connect(host=str(cluster.socket_folder), user=ROLE, dbname=ROLE, autocommit=True)


def ask(cluster: Cluster, sql: str) -> object:
    with connect(cluster) as connection:
        return connection.execute(sql).fetchone()[0]


def process_number(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_socket_folder_is_closed_to_others_and_its_path_fits(cluster):
    path = cluster.socket_folder / ".s.PGSQL.5432"

    assert (mode(cluster.home), mode(cluster.data), mode(cluster.socket_folder)) == (0o700, 0o700, 0o700)
    assert len(os.fsencode(path)) <= 107


def test_server_listens_on_no_network_and_checks_its_pages(cluster):
    assert ask(cluster, "SELECT current_setting('listen_addresses')") == ""
    assert ask(cluster, "SELECT current_setting('data_checksums')") == "on"


def test_log_of_a_failing_statement_does_not_quote_it(cluster):
    with contextlib.suppress(psycopg.Error):
        ask(cluster, "SELECT 'Wendeline Featherstone'::int")

    assert "Featherstone" not in (cluster.home / "server.log").read_text()


def test_ensure_by_eight_processes_at_once_starts_one_server(cluster):
    cluster.stop()
    command = [sys.executable, "-c", ENSURE, str(cluster.home), str(cluster.socket_folder)]

    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(8)]
    codes = [process.wait() for process in processes]

    assert codes == [0] * 8
    assert (cluster.home / "server.log").read_text().split("starting PostgreSQL")[-1].count("ready to accept") == 1
    assert ask(cluster, "SELECT 1") == 1


def test_ensure_after_the_server_was_killed_keeps_the_data(cluster):
    with connect(cluster) as connection:
        connection.execute("SET synchronous_commit = on")
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(process_number(cluster), signal.SIGKILL)

    cluster.ensure()

    assert ask(cluster, "SELECT n FROM kept") == 7


def test_ensure_while_a_statement_of_the_killed_server_still_runs(cluster):
    left_behind = connect(cluster)
    left_behind.pgconn.send_query(b"SELECT pg_sleep(600)")
    os.kill(process_number(cluster), signal.SIGKILL)

    cluster.ensure()

    assert ask(cluster, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)'") == 0
    left_behind.close()


def test_ensure_when_the_number_of_a_dead_server_belongs_to_another_process(cluster):
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n")

    cluster.ensure()

    assert ask(cluster, "SELECT 1") == 1


def test_ensure_after_a_kill_in_the_middle_of_the_making(cluster):
    cluster.stop()
    cluster.data.rename(cluster.home / "unfinished")

    cluster.ensure()

    assert ask(cluster, "SELECT current_database()") == ROLE


def test_ensure_in_a_folder_laid_as_a_link_is_refused(cluster, tmp_path):
    link = cluster.home / "link"
    link.symlink_to(tmp_path)

    with pytest.raises(RuntimeError, match="belongs to somebody else"):
        Cluster(link, link / "socket", {}).ensure()


def test_parent_folder_keeps_its_mode(cluster):
    before = mode(cluster.home.parent)
    cluster.stop()

    cluster.ensure()

    assert mode(cluster.home.parent) == before


def test_throw_away_cluster_is_gone_at_the_end():
    with throw_away_cluster() as cluster:
        connection = connect(cluster)

    assert not cluster.home.exists()
    with connection, pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_throw_away_cluster_is_gone_after_an_interruption():
    with pytest.raises(KeyboardInterrupt), throw_away_cluster() as cluster:
        raise KeyboardInterrupt

    assert not cluster.home.exists()

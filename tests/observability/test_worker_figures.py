"""A worker's figures: on the loopback, to the owner of the machine alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx

from ballast.app.access.api_keys import create_api_key
from ballast.app.operation import Caller
from ballast.bootstrap.serving import serve_figures
from ballast.core.access import Scope
from tests.app.world import open_world, settings_for


async def test_a_worker_shows_health_to_everybody_and_figures_to_the_owner(tmp_path):
    async with open_world(tmp_path) as world:
        await world.engine.run_until_idle()
        key = await create_api_key(world.app, Caller(), "Prometheus", [Scope.READ])
        at = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve_figures(settings_for(tmp_path), world.app, 0, at.set_result)
        )
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=await at) as client:
            ready = await client.get("/readyz")
            nobody = await client.get("/metrics")
            mine = await client.get("/metrics", headers={"Authorization": f"Bearer {key.text}"})
            tools = await client.post("/mcp", json={})
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving

    assert ready.json() == {"status": "ready", "engine": "off"}
    assert nobody.status_code == 401
    assert 'ballast_build_info{mode="paper",version="' in mine.text
    assert "process_cpu_seconds_total" in mine.text
    assert tools.status_code == 401

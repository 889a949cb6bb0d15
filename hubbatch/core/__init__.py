"""The pure part: functions of values, without a clock, chance, IO or asyncio."""
